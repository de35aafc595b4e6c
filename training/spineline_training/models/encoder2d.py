"""The 2D encoders of stages 2 and 3: torchvision's ConvNeXt and EfficientNet-v2 without their classifiers.

Either a torchvision variant by name, optionally with pretrained weights, or the same classes with other block settings.
The caller pools the feature map; ConvNeXt's last layer norm is applied to the feature vectors.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig

from ..config import EncoderConfig

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Encoder2d(nn.Module):
    """`[B, 3, height, width]` in [0, 1] to a feature map `[B, channels, height/stride, width/stride]`.

    The caller applies `norm` to vectors `[..., channels]` once after pooling, as ConvNeXt does. For EfficientNet-v2,
    whose last convolution is normalised, it is the identity.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        #: Pooling factor of the input image (training arrays); 1 in exports.
        self.pooled = 1
        network = _network_of(config)
        self.features = network.features
        if config.family == "convnext":
            last: nn.LayerNorm = network.classifier[0]
            self.channels = last.normalized_shape[0]
            self.norm: nn.Module = nn.LayerNorm(self.channels, eps=last.eps)
            self.norm.load_state_dict(last.state_dict())
            self.stride = 4 * 2 ** (_stages_of(network) - 1) * config.pre_pool
        else:
            self.channels = network.classifier[-1].in_features
            self.norm = nn.Identity()
            self.stride = _efficientnet_stride(network) * config.pre_pool
        if config.imagenet_statistics:
            self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.features(self._entry(image))

    def grids(self) -> list[tuple[int, int]]:
        """(channels, stride) of the last feature map on each grid, the finest first."""
        training = self.training
        side = 64 * self.config.pre_pool
        with torch.no_grad():
            self.eval()
            maps = self.pyramid(torch.zeros(1, 3, side // self.pooled, side // self.pooled))
            self.train(training)
        return [(one.shape[1], side // one.shape[2]) for one in maps]

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """The last feature map on each grid `[B, channels, height/stride, width/stride]`, the finest first."""
        x = self._entry(image)
        maps: list[Tensor] = []
        for layer in self.features:
            x = layer(x)
            if maps and maps[-1].shape[2] == x.shape[2]:
                maps.pop()
            maps.append(x)
        return maps

    def _entry(self, image: Tensor) -> Tensor:
        window = self.config.pre_pool // self.pooled
        if window > 1:
            image = F.avg_pool2d(image, window)
        if self.config.imagenet_statistics:
            image = (image - self.mean) / self.deviation
        return image

    def pool(self, features: Tensor) -> Tensor:
        """Global average pooling of a feature map, normalised: `[B, channels]`."""
        return self.norm(features.mean(dim=(2, 3)))


def _network_of(config: EncoderConfig) -> nn.Module:
    if config.variant is not None:
        return _published(config)
    if config.family == "convnext":
        following = (*config.widths[1:], None)
        settings = [CNBlockConfig(*one) for one in zip(config.widths, following, config.depths)]
        network = ConvNeXt(settings, stochastic_depth_prob=config.drop_path, layer_scale=config.layer_scale)
        network.apply(_widen)
        return network
    kinds = {"fused": FusedMBConvConfig, "mb": MBConvConfig}
    settings = [kinds[kind](*numbers) for kind, *numbers in config.blocks]
    return EfficientNet(
        settings, dropout=0.0, stochastic_depth_prob=config.drop_path, last_channel=config.last_channel
    )


def _published(config: EncoderConfig) -> nn.Module:
    """A torchvision variant; `weights` names torchvision's own or a file with a state dict of the whole network."""
    file = Path(config.weights) if config.weights else None
    if file is None or not file.suffix:
        return models.get_model(config.variant, weights=config.weights, stochastic_depth_prob=config.drop_path)
    network = models.get_model(config.variant, weights=None, stochastic_depth_prob=config.drop_path)
    state = torch.load(file, map_location="cpu")
    # The 1000-class layer is not used, so the file may lack it.
    missing, unexpected = network.load_state_dict(state, strict=False)
    faults = [name for name in (*missing, *unexpected) if not name.startswith("classifier.")]
    if faults:
        raise ValueError(f"{file.name} is not a state dict of {config.variant}: {faults[0]} and {len(faults) - 1} more")
    return network


def _stages_of(network: nn.Module) -> int:
    # features: stem, then stage, downsampling, stage, ...
    return len(network.features) // 2


def _efficientnet_stride(network: nn.Module) -> int:
    stride = network.features[0][0].stride[0]
    for stage in list(network.features)[1:-1]:
        stride *= max(module.stride[0] for module in stage.modules() if isinstance(module, nn.Conv2d))
    return stride


def _widen(module: nn.Module) -> None:
    """torchvision's deviation of 0.02 is too small for narrow layers; this uses 1/sqrt(fan in)."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        fan_in = module.weight[0].numel()
        nn.init.trunc_normal_(module.weight, std=max(0.02, (1 / fan_in) ** 0.5))

"""Stage 2: where in the slice. A 2D encoder, pooled to a vector, one head per point (docs/pipeline.md, "Points")."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import XyConfig
from .encoder2d import Encoder2d
from .heads import Heads, HeatmapPooling, logit, start_small


class XyModel(nn.Module):
    """`[B, 3, height, width]` in [0, 1], a slice with one neighbour on each side, to points.

    `forward` gives a dict: `xy` [B, points, 2], the fractions x/width, y/height. In training, with soft-argmax pooling,
    also `heatmap` [B, points, rows, columns]: logits over the feature grid for an auxiliary loss.
    """

    inputs = ("image",)
    output = "xy"
    #: Submodules that only training uses.
    training_only: tuple[str, ...] = ()

    def __init__(self, config: XyConfig, points: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder2d(config.encoder)
        channels, stride = self.encoder.channels, self.encoder.stride
        if config.pyramid:
            self.pyramid = Pyramid(self.encoder.grids(), config.pyramid, config.stride)
            # With a pyramid, the pyramid has its own norm.
            self.encoder.norm = nn.Identity()
            channels, stride = config.pyramid, config.stride
        if config.pooling == "soft-argmax":
            grid = (config.size[0] // stride, config.size[1] // stride)
            self.heatmap = HeatmapPooling(channels, points, grid, (stride, stride))
            self.heads = start_small(Heads(points, channels + 2, 2))
        else:
            self.heads = Heads(points, channels, 2)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        if self.config.pooling == "average":
            return {"xy": self.heads(self.encoder.pool(self.encoder(image))).sigmoid()}
        if self.config.pyramid:
            features = self.pyramid(self.encoder.pyramid(image))
        else:
            features = self.encoder.norm(self.encoder(image).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        pooled, position, _, heatmap = self.heatmap(features)
        # A heatmap on a coarse grid is exact to a fraction of a cell; the residual inside the sigmoid refines it.
        result = {"xy": (logit(position) + self.heads(torch.cat([pooled, position], dim=2))).sigmoid()}
        if self.training:
            rows, columns = self.heatmap.grid
            result["heatmap"] = heatmap.reshape(-1, heatmap.shape[1], rows, columns)
        return result


class Pyramid(nn.Module):
    """A feature pyramid's top-down path (Lin et al., 2017): coarse features, enlarged, are added to finer ones.

    Args:
        grids: (channels, stride) of the encoder's feature maps, the finest first.
        channels: channels of the result.
        stride: the grid of the result; one of the encoder's.
    """

    def __init__(self, grids: list[tuple[int, int]], channels: int, stride: int) -> None:
        super().__init__()
        strides = [one for _, one in grids]
        if stride not in strides:
            raise ValueError(f"a pyramid of stride {stride} needs a feature map of it; the encoder has {strides}")
        self.finest = strides.index(stride)
        self.lateral = nn.ModuleList(nn.Conv2d(width, channels, 1) for width, _ in grids[self.finest :])
        self.factors = [coarse // fine for fine, coarse in zip(strides[self.finest :], strides[self.finest + 1 :])]
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """`[B, channels, height/stride, width/stride]`."""
        lateral = [layer(one) for layer, one in zip(self.lateral, maps[self.finest :])]
        x = lateral[-1]
        for fine, factor in zip(reversed(lateral[:-1]), reversed(self.factors)):
            x = fine + F.interpolate(x, scale_factor=float(factor), mode="nearest")
        x = x + self.mix(F.gelu(self.smooth(x)))
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

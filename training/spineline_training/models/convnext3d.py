"""Stage 1: which slice. A ConvNeXt with 3D convolutions, pooled to a vector, with one head per output.

Blocks as in Liu et al., "A ConvNet for the 2020s" (2022), with 3D convolutions. By default the stem is 1x2x2, each
further stage downsamples by 2, and the depthwise kernel is 2x7x7. The `cls` head gives 32-way logits, the `reg` head
(x, y, z): docs/pipeline.md, "Level slices".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from ..config import ConvNeXt3dConfig
from .heads import Heads, HeatmapPooling, logit, start_small


class ConvNeXt3d(nn.Module):
    """`[B, 1, slices, height, width]` in [0, 1] to slices of levels.

    `forward` gives a dict. `cls`: `logits` [B, outputs, slices]. `reg`: `coordinates` [B, outputs, 3], the fractions
    x/width, y/height, z/slices. In training, with heatmap pooling, also `heatmap` [B, outputs, depth, height, width]:
    logits over the feature grid for an auxiliary cross-entropy on the labelled position.
    """

    inputs = ("volume",)
    #: Submodules that only training uses.
    training_only: tuple[str, ...] = ()

    def __init__(self, config: ConvNeXt3dConfig, outputs: int) -> None:
        super().__init__()
        self.config = config
        #: Pooling factor of the input volume in height and width (training arrays); 1 in exports.
        self.pooled = 1
        self.output = "logits" if config.head == "cls" else "coordinates"
        widths = config.widths
        self.stem = nn.Conv3d(1, widths[0], config.stem, stride=config.stem)
        self.stem_norm = nn.LayerNorm(widths[0], eps=1e-6)
        self.stages = nn.ModuleList()
        self.downsamples = nn.ModuleList()
        total = sum(config.depths)
        index = 0
        for stage, (depth, width) in enumerate(zip(config.depths, widths)):
            blocks = []
            for _ in range(depth):
                drop = config.drop_path * index / max(1, total - 1)
                # The extra padding slice of an even kernel changes sides from block to block.
                blocks.append(Block3d(width, config, pad_after=index % 2 == 1, drop_path=drop))
                index += 1
            self.stages.append(nn.Sequential(*blocks))
            if stage < len(config.depths) - 1:
                self.downsamples.append(Downsample(width, widths[stage + 1], config.transitions[stage]))
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        channels = widths[-1]
        if config.pooling == "heatmap":
            extent = (config.slices, *config.size)
            grid = tuple(size // stride for size, stride in zip(extent, config.strides))
            self.heatmap = HeatmapPooling(channels, outputs, grid, config.strides)
            channels += 3
            if config.head == "cls":
                self.depth_profile = DepthProfile(outputs, grid[0], config.slices)
                channels += grid[0]
        self.heads = Heads(outputs, channels, config.slices if config.head == "cls" else 3)
        self.apply(_initialise)
        if config.pooling == "heatmap":
            start_small(self.heads)

    def forward(self, volume: Tensor) -> dict[str, Tensor]:
        config = self.config
        x = volume
        depth, rows, columns = config.pre_pool
        window = (depth, rows // self.pooled, columns // self.pooled)
        if window != (1, 1, 1):
            x = F.avg_pool3d(x, window, stride=window)
        # From here on [B, depth, height, width, channels]: most layers read channels last.
        x = self.stem_norm(_channels_last(self.stem(x)))
        for stage, blocks in enumerate(self.stages):
            x = blocks(x)
            if stage < len(self.downsamples):
                x = self.downsamples[stage](x)
        if config.pooling == "average":
            return {self.output: self._head(self.norm(x.mean(dim=(1, 2, 3))))}
        return self._pool_by_heatmap(_channels_first(self.norm(x)))

    def _head(self, pooled: Tensor) -> Tensor:
        out = self.heads(pooled)
        return out if self.config.head == "cls" else out.sigmoid()

    def _pool_by_heatmap(self, x: Tensor) -> dict[str, Tensor]:
        pooled, position, weights, heatmap = self.heatmap(x)
        depth, height, width = self.heatmap.grid
        outputs = weights.shape[1]
        # The head learns a correction of the heatmap's profile along the depth, or of its mean position.
        if self.config.head == "cls":
            profile = weights.reshape(-1, outputs, depth, height * width).sum(dim=3).clamp(min=1e-6).log()
            out = self.depth_profile(profile) + self.heads(torch.cat([pooled, position, profile], dim=2))
        else:
            # Inside the sigmoid.
            out = (logit(position) + self.heads(torch.cat([pooled, position], dim=2))).sigmoid()
        result = {self.output: out}
        if self.training:
            result["heatmap"] = heatmap.reshape(-1, outputs, depth, height, width)
        return result


class DepthProfile(nn.Module):
    """Logits of slices from a heatmap's log profile over cells of the depth, `[B, outputs, cells]`.

    Linear interpolation between the centres of cells, times a learned sharpness per output, because the heatmap is
    trained on a wide target.
    """

    def __init__(self, outputs: int, cells: int, slices: int) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.full((outputs, 1), 4.0))
        place = ((torch.arange(slices) + 0.5) * cells / slices - 0.5).clamp(0, cells - 1)
        between = (1 - (place[None, :] - torch.arange(cells)[:, None]).abs()).clamp(min=0)
        self.register_buffer("between", between, persistent=False)

    def forward(self, profile: Tensor) -> Tensor:
        return self.sharpness * (profile @ self.between)


class Block3d(nn.Module):
    """Depthwise convolution, layer norm, 1x1x1 to four times the channels, GELU, back, layer scale, residual.

    `[B, depth, height, width, channels]` to the same shape.
    """

    def __init__(self, width: int, config: ConvNeXt3dConfig, pad_after: bool, drop_path: float) -> None:
        super().__init__()
        self.depthwise = DepthwiseConv3d(width, config.kernel, pad_after, config.depthwise)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = nn.Linear(width, 4 * width)
        self.shrink = nn.Linear(4 * width, width)
        self.layer_scale = nn.Parameter(torch.full((width,), config.layer_scale))
        self.drop_path = StochasticDepth(drop_path, "row")

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x))
        y = self.shrink(F.gelu(self.expand(y))) * self.layer_scale
        return x + self.drop_path(y)


class DepthwiseConv3d(nn.Conv3d):
    """A depthwise 3D convolution that keeps depth, height and width.

    An odd kernel is padded evenly. An even depth kernel k needs k - 1 zero slices: k/2 - 1 on one side and k/2 on the
    other. So one such convolution shifts features by half a slice. `pad_after` puts the longer side after the stack
    instead of before it; alternating it from block to block cancels the shift. Height and width kernels must be odd.

    It reads and gives `[B, depth, height, width, channels]`. `mode` says how the sum is computed, on the same weights:
    "native" as one 3D convolution; "by-depth" as the sum of one 2D convolution per kernel depth, which every runtime
    has and most compute faster.
    """

    def __init__(self, width: int, kernel: tuple[int, int, int], pad_after: bool, mode: str = "native") -> None:
        if kernel[1] % 2 == 0 or kernel[2] % 2 == 0:
            raise ValueError(f"height and width of a depthwise kernel must be odd, found {kernel}")
        super().__init__(width, width, kernel, groups=width)
        short, long = (kernel[0] - 1) // 2, kernel[0] // 2
        self.pads_depth = (short, long) if pad_after else (long, short)
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.kernel_size[1] // 2, self.kernel_size[2] // 2
        before, after = self.pads_depth
        if self.mode == "native":
            padded = F.pad(_channels_first(x), (columns, columns, rows, rows, before, after))
            return _channels_last(F.conv3d(padded, self.weight, self.bias, groups=self.groups))
        # Python integers, so that only the batch of an exported graph is dynamic.
        depth, height, breadth, width = (int(size) for size in x.shape[1:])
        stack = F.pad(x, (0, 0, 0, 0, 0, 0, before, after))
        exporting = torch.onnx.is_in_onnx_export()
        if exporting:
            # One transpose for all kernel depths.
            stack = stack.permute(0, 1, 4, 2, 3)
        total = None
        for k in range(self.kernel_size[0]):
            slices = stack[:, k : k + depth]
            if exporting:
                slices = slices.reshape(-1, width, height, breadth)
            else:
                # In memory channels stay last: with that, torch's backward pass is three times faster on a CPU.
                slices = slices.reshape(-1, height, breadth, width).permute(0, 3, 1, 2)
            bias = self.bias if k == 0 else None
            part = F.conv2d(slices, self.weight[:, :, k], bias, padding=(rows, columns), groups=self.groups)
            total = part if total is None else total + part
        return total.permute(0, 2, 3, 1).reshape(-1, depth, height, breadth, width)


class Downsample(nn.Module):
    """Layer norm and a convolution whose kernel is its stride, between two stages; channels last, as `Block3d`."""

    def __init__(self, width: int, following: int, stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.convolution = nn.Conv3d(width, following, stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return _channels_last(self.convolution(_channels_first(self.norm(x))))


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 4, 1)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 4, 1, 2, 3)


def _initialise(module: nn.Module) -> None:
    """ConvNeXt's initialisation, with a larger deviation than 0.02 for layers with few channels."""
    if isinstance(module, (nn.Conv3d, nn.Linear)):
        fan_in = module.weight[0].numel()
        nn.init.trunc_normal_(module.weight, std=max(0.02, (1 / fan_in) ** 0.5))
        nn.init.zeros_(module.bias)

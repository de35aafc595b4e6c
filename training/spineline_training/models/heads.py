"""Turns a feature map into outputs: one linear head per output, and pooling by one heatmap per output.

Positions are fractions of the input, index / size as the labels have them: feature cell i of stride s covers the
inputs i*s .. i*s + s - 1, whose mean index is i*s + (s - 1)/2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Heads(nn.Module):
    """One linear head per output.

    Reads `[B, channels]` (the same vector for every head) or `[B, outputs, channels]` (one vector per head). Returns
    `[B, outputs, features]`.
    """

    def __init__(self, outputs: int, channels: int, features: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(channels, features) for _ in range(outputs))

    def forward(self, pooled: Tensor) -> Tensor:
        shared = pooled.dim() == 2
        return torch.stack([head(pooled if shared else pooled[:, i]) for i, head in enumerate(self.heads)], dim=1)


class HeatmapPooling(nn.Module):
    """Pooling weighted by one learned heatmap per output.

    With a plain average the few voxels of a level hardly count. A heatmap per output, trained with an auxiliary loss on
    the labelled position, gives them weight.

    Args:
        channels: channels of the feature map `[B, channels, *grid]`.
        outputs: number of heatmaps.
        grid: the feature map's size, slowest axis first: (depth, height, width) or (height, width).
        strides: input elements per feature cell along each axis.
    """

    def __init__(self, channels: int, outputs: int, grid: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        self.grid = grid
        self.score = nn.Linear(channels, outputs)
        axes = [
            (torch.arange(count, dtype=torch.float32) * stride + (stride - 1) / 2) / (count * stride)
            for count, stride in zip(grid, strides)
        ]
        mesh = torch.meshgrid(*axes, indexing="ij")
        # [cells, axes], fastest axis first: x, y(, z).
        positions = torch.stack([one.flatten() for one in reversed(mesh)], dim=1)
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns (pooled `[B, outputs, channels]`, expected position `[B, outputs, axes]` as fractions x, y(, z),
        weights `[B, outputs, cells]` which sum to 1, and the heatmap's logits `[B, outputs, cells]`)."""
        cells = features.flatten(2).transpose(1, 2)
        logits = self.score(cells).transpose(1, 2)
        weights = logits.softmax(dim=2)
        return weights @ cells, weights @ self.positions, weights, logits


def start_small(heads: Heads) -> Heads:
    """Initialise heads that correct a position with a tenth of the usual size, so that they change little at first."""
    with torch.no_grad():
        for head in heads.heads:
            head.weight.mul_(0.1)
            head.bias.mul_(0.1)
    return heads


def logit(fraction: Tensor) -> Tensor:
    """The inverse of the sigmoid, clamped to the range in which a float32 sigmoid can be inverted."""
    fraction = fraction.clamp(1e-4, 1 - 1e-4)
    return torch.log(fraction / (1 - fraction))

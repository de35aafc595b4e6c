"""Stage 2: where in the slice. A 2D encoder, pooled to a vector, and one head a point."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import XyConfig
from .encoder2d import Encoder2d
from .heads import Heads, HeatmapPooling, logit, start_small


class XyModel(nn.Module):
    """`[B, 3, height, width]` in [0, 1], a slice with one neighbour each side, to points.

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
        channels = self.encoder.channels
        if config.pooling == "soft-argmax":
            stride = self.encoder.stride
            grid = (config.size[0] // stride, config.size[1] // stride)
            self.heatmap = HeatmapPooling(channels, points, grid, (stride, stride))
            self.heads = start_small(Heads(points, channels + 2, 2))
        else:
            self.heads = Heads(points, channels, 2)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = self.encoder(image)
        if self.config.pooling == "average":
            return {"xy": self.heads(self.encoder.pool(features)).sigmoid()}
        features = self.encoder.norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        pooled, position, _, heatmap = self.heatmap(features)
        # A heatmap on a coarse grid is right to a fraction of a cell; the residual, inside the sigmoid, refines it.
        result = {"xy": (logit(position) + self.heads(torch.cat([pooled, position], dim=2))).sigmoid()}
        if self.training:
            rows, columns = self.heatmap.grid
            result["heatmap"] = heatmap.reshape(-1, heatmap.shape[1], rows, columns)
        return result

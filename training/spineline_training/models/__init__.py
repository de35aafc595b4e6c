"""The networks of the three stages, and the function that builds each from its configuration."""

from __future__ import annotations

from torch import nn

from ..config import (
    STAGE1_OUTPUTS,
    STAGE2_POINTS,
    STAGE3_VIEWS,
    ConvNeXt3dConfig,
    ModelConfig,
    SeverityConfig,
    XyConfig,
)
from .convnext3d import ConvNeXt3d
from .encoder2d import Encoder2d
from .severity import SeverityModel
from .xy import XyModel

__all__ = ["ConvNeXt3d", "SeverityModel", "XyModel", "build_model", "take_pooled"]


def build_model(task: str, config: ModelConfig) -> nn.Module:
    """A model in training mode, with new weights, or with pretrained ones if the configuration names them."""
    if isinstance(config, ConvNeXt3dConfig):
        return ConvNeXt3d(config, outputs=STAGE1_OUTPUTS[task])
    if isinstance(config, XyConfig):
        return XyModel(config, points=STAGE2_POINTS[task])
    if isinstance(config, SeverityConfig):
        return SeverityModel(config, views=STAGE3_VIEWS[task])
    raise TypeError(f"no model for a {type(config).__name__}")


def take_pooled(model: nn.Module, pooled: int) -> nn.Module:
    """Let a model read images that are already pooled `pooled` times in height and width; its `pre_pool` does the rest.

    Raises ValueError if the model pools less than that. `take_pooled(model, 1)` undoes it, before an export.
    """
    for one in model.modules():
        if isinstance(one, (ConvNeXt3d, Encoder2d)):
            whole = one.config.pre_pool
            for window in whole[1:] if isinstance(whole, tuple) else (whole,):
                if window % pooled:
                    raise ValueError(f"images pooled {pooled} x {pooled} do not suit a model whose pre_pool is {whole}")
            one.pooled = pooled
    return model

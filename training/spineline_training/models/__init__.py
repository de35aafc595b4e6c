"""The networks of the three stages, and the one function that builds any of them from its configuration."""

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
from .severity import SeverityModel
from .xy import XyModel

__all__ = ["ConvNeXt3d", "SeverityModel", "XyModel", "build_model"]


def build_model(task: str, config: ModelConfig) -> nn.Module:
    """A model with fresh (or, where the configuration names them, pretrained) weights, in training mode."""
    if isinstance(config, ConvNeXt3dConfig):
        return ConvNeXt3d(config, outputs=STAGE1_OUTPUTS[task])
    if isinstance(config, XyConfig):
        return XyModel(config, points=STAGE2_POINTS[task])
    if isinstance(config, SeverityConfig):
        return SeverityModel(config, views=STAGE3_VIEWS[task])
    raise TypeError(f"no model for a {type(config).__name__}")

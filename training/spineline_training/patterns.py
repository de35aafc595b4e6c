"""Seeded inputs that resemble those of serving: for tracing, initial statistics and checks, not for training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import ConvNeXt3dConfig, ModelConfig, SeverityConfig, XyConfig

#: [height, width] of crops (docs/pipeline.md, "Crop plan"); the graphs accept any size.
CROP_SIZES = {"sagittal": (128, 224), "axial": (256, 256)}


def example_inputs(config: ModelConfig, model: nn.Module, batch: int, seed: int = 0) -> dict[str, Tensor]:
    """Inputs of a model by name, in the shapes that the serving code feeds, float32 in [0, 1].

    The first item of a batch is a smooth pattern with some noise, the second the same with zeros in the last third of
    its slices (a padded stack), the third all zeros (a missing view). Further items repeat these three kinds.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: _image_like(torch.rand(shape, generator=generator))
        for name, shape in input_shapes(config, model, batch).items()
    }


def input_shapes(config: ModelConfig, model: nn.Module, batch: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a model's inputs by name, as the serving code feeds them."""
    if isinstance(config, ConvNeXt3dConfig):
        return {"volume": (batch, 1, config.slices, *config.size)}
    if isinstance(config, XyConfig):
        return {"image": (batch, 3, *config.size)}
    if isinstance(config, SeverityConfig):
        return {view: (batch, config.slices, *CROP_SIZES[view]) for view in model.inputs}
    raise TypeError(f"no inputs for a {type(config).__name__}")


def _image_like(noise: Tensor) -> Tensor:
    height, width = noise.shape[-2:]
    rows = torch.linspace(-3, 3, height).reshape(height, 1)
    columns = torch.linspace(-3, 3, width).reshape(1, width)
    pattern = (0.5 + 0.5 * torch.sin(4 * rows + columns)) * torch.exp(-0.2 * (rows**2 + columns**2))
    images = 0.85 * pattern + 0.15 * noise
    # The slices' axis is the one before height and width.
    slices = noise.shape[-3]
    kept = slices * 2 // 3
    for index in range(noise.shape[0]):
        if index % 3 == 1:
            images[index].narrow(-3, kept, slices - kept).zero_()
        elif index % 3 == 2:
            images[index].zero_()
    return images

"""The losses of each model, with the auxiliary losses of heatmaps, sub-heads and slices.

Sources: docs/pipeline.md, "Training-only rules". Every function returns named terms, already weighted; their sum is the
loss. Outputs without a label are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import ConvNeXt3dConfig, TrainingConfig, XyConfig


def losses(model: nn.Module, outputs: dict, targets: dict[str, Tensor], recipe: TrainingConfig) -> dict[str, Tensor]:
    """The weighted terms of a model's loss from its training outputs and a batch's targets."""
    if isinstance(model.config, ConvNeXt3dConfig):
        return _stage1(model, outputs, targets, recipe)
    if isinstance(model.config, XyConfig):
        return _stage2(model, outputs, targets, recipe)
    return _stage3(model, outputs, targets, recipe)


def _stage1(model, outputs, targets, recipe) -> dict[str, Tensor]:
    point, slices = targets["point"].float(), model.config.slices
    terms = {}
    if model.config.head == "cls":
        labelled = point[..., 2].isfinite()
        # As in serving, a padding slice is never an answer.
        padding = torch.arange(slices, device=point.device) >= targets["slices"][:, None]
        logits = outputs["logits"].float().masked_fill(padding[:, None], -1e4)
        own = F.cross_entropy(logits[labelled], _whole(point[..., 2][labelled], slices), reduction="none")
        terms["slice"] = _mean(own, logits)
    else:
        labelled = point.isfinite().all(dim=2)
        fractions = torch.cat([point[..., :2], point[..., 2:] / slices], dim=2)
        terms["coordinates"] = recipe.coordinate_weight * _l1(outputs["coordinates"].float(), fractions, labelled)
    if "heatmap" in outputs:
        fractions = torch.cat([point[..., :2], point[..., 2:] / slices], dim=2)
        terms["heatmap"] = recipe.heatmap_weight * heatmap_loss(model.heatmap, outputs["heatmap"], fractions, recipe)
    return terms


def _stage2(model, outputs, targets, recipe) -> dict[str, Tensor]:
    point = targets["point"].float()
    labelled = point.isfinite().all(dim=2)
    terms = {"coordinates": recipe.coordinate_weight * _l1(outputs["xy"].float(), point, labelled)}
    if "heatmap" in outputs:
        terms["heatmap"] = recipe.heatmap_weight * heatmap_loss(model.heatmap, outputs["heatmap"], point, recipe)
    return terms


def _stage3(model, outputs, targets, recipe) -> dict[str, Tensor]:
    label = targets["label"]
    weights = torch.tensor(recipe.class_weights, device=label.device)[label]

    def severity(logits: Tensor, there: Tensor | None = None) -> Tensor:
        # Divided by the batch size, not by the sum of weights: a batch with severe samples then has a larger loss.
        own = weights * F.cross_entropy(logits.float(), label, reduction="none")
        return own.mean() if there is None else (own * there).sum() / there.sum().clamp(min=1)

    terms = {"severity": severity(outputs["logits"])}
    for v, view in enumerate(model.inputs):
        there = targets["present"][:, v]
        if recipe.sub_weight and view in outputs["sub"]:
            terms[f"sub_{view}"] = recipe.sub_weight * severity(outputs["sub"][view], there.float())
        place = targets["slice"][:, v]
        if recipe.aux_weight and view in outputs["aux"]:
            known = place >= 0
            own = F.cross_entropy(outputs["aux"][view].float(), place.clamp(min=0), reduction="none")
            terms[f"aux_{view}"] = recipe.aux_weight * (own * known).sum() / known.sum().clamp(min=1)
    return terms


def heatmap_loss(pooling: nn.Module, heatmap: Tensor, fractions: Tensor, recipe: TrainingConfig) -> Tensor:
    """Cross-entropy of a heatmap `[B, outputs, *grid]` against a Gaussian around the labelled position.

    Args:
        pooling: the `HeatmapPooling` that made it.
        fractions: `[B, outputs, axes]`, x, y(, z) as fractions of the input; NaN where unlabelled.
    """
    labelled = fractions.isfinite().all(dim=2)
    cells = torch.tensor(pooling.grid[::-1], dtype=torch.float32, device=fractions.device)
    away = (pooling.positions[None, :] - fractions[labelled][:, None]) * cells
    target = (-0.5 * (away / recipe.heatmap_sigma).square().sum(dim=2)).softmax(dim=1)
    logits = heatmap.float().flatten(2)[labelled].log_softmax(dim=1)
    return _mean(-(target * logits).sum(dim=1), logits)


def _l1(found: Tensor, expected: Tensor, labelled: Tensor) -> Tensor:
    return _mean((found[labelled] - expected[labelled]).abs().flatten(), found)


def _mean(values: Tensor, other: Tensor) -> Tensor:
    """The mean; if there are no values, a zero that is still part of the graph."""
    return values.mean() if len(values) else other.sum() * 0


def _whole(z: Tensor, slices: int) -> Tensor:
    return (z + 0.5).floor().long().clamp(0, slices - 1)

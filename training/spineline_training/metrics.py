"""Metrics of predictions on a held-out fold.

The units are those of docs/accuracy.md and of docs/pipeline.md, "Level slices" and "Points".
"""

from __future__ import annotations

import numpy as np

from .data import Samples

#: Side of the square space in which distances are measured, px.
SPACE = 512


def decode_stage1(output: np.ndarray, head: str, slices: np.ndarray, depth: int) -> np.ndarray:
    """`[N, outputs, 3]`: x, y fractions (NaN for `cls`) and z in slices, as serving reads a member's output.

    `cls`: the real slice with the best score. `reg`: the fraction times the depth, not rounded.
    """
    if head == "cls":
        padding = np.arange(depth)[None, :] >= slices[:, None]
        z = np.where(padding[:, None, :], -np.inf, output).argmax(axis=2).astype(np.float32)
        return np.stack([np.full_like(z, np.nan), np.full_like(z, np.nan), z], axis=2)
    decoded = output.astype(np.float32).copy()
    decoded[..., 2] *= depth
    return decoded


def stage1_metrics(found: np.ndarray, target: np.ndarray, slices: np.ndarray) -> dict[str, float]:
    """Rates of slice errors, after rounding half up within the series; `x`, `y`: mean absolute error, px of 512."""
    labelled = np.isfinite(target[..., 2])
    place = np.clip(np.floor(found[..., 2] + 0.5), 0, slices[:, None] - 1)
    error = np.abs(place - np.floor(target[..., 2] + 0.5))[labelled]
    result = {
        "exact": float((error == 0).mean()),
        "off1": float((error == 1).mean()),
        "off2": float((error == 2).mean()),
        "off3": float((error >= 3).mean()),
        "slices": float(np.abs(found[..., 2] - target[..., 2])[labelled].mean()),
    }
    if np.isfinite(found[..., 0]).any():
        labelled &= np.isfinite(target[..., :2]).all(axis=2)
        for axis, name in enumerate("xy"):
            result[name] = float(np.abs(found[..., axis] - target[..., axis])[labelled].mean() * SPACE)
    return result


def stage2_metrics(found: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Distances from the labelled points, px of 512."""
    labelled = np.isfinite(target).all(axis=2)
    distance = np.linalg.norm((found - target)[labelled] * SPACE, axis=1)
    return {
        "median": float(np.median(distance)),
        "p95": float(np.percentile(distance, 95)),
        "mean": float(distance.mean()),
    }


def stage3_metrics(probabilities: np.ndarray, label: np.ndarray, baseline: np.ndarray) -> dict[str, float]:
    """The challenge's weighted log loss, that of the class shares `baseline`, accuracy and calibration error."""
    return {
        "log_loss": weighted_log_loss(probabilities, label),
        "baseline": weighted_log_loss(baseline, label),
        "accuracy": float((probabilities.argmax(axis=1) == label).mean()),
        "ece": calibration_error(probabilities, label),
    }


def weighted_log_loss(probabilities: np.ndarray, label: np.ndarray) -> float:
    weights = np.array([1.0, 2.0, 4.0])[label]
    own = np.clip(probabilities[np.arange(len(label)), label].astype(float), 1e-15, 1)
    return float(-(weights * np.log(own)).sum() / weights.sum())


def calibration_error(probabilities: np.ndarray, label: np.ndarray, bins: int = 15) -> float:
    """Mean over samples of |accuracy - confidence| of their bin; equal bins of the highest probability."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[of == one].sum() - confidence[of == one].sum()) for one in range(bins)]
    return float(sum(gaps) / len(label))


def class_shares(samples: Samples, train: np.ndarray) -> np.ndarray:
    """`[5, 3]`: shares of the three classes per level over the training samples."""
    counts = np.zeros((5, 3))
    np.add.at(counts, (samples.row[train] % 5, samples.label[train]), 1)
    # A level without labels has the shares of all levels. A class that never occurs has a small share, to avoid log(0).
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, counts.sum(axis=0))
    counts = np.maximum(counts, 1e-3)
    return counts / counts.sum(axis=1, keepdims=True)

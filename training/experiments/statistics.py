"""Differences with intervals, and the verdict on a claim.

The bootstrap is paired and by study, because the levels of a patient are not independent: studies are drawn with
replacement, each with all its samples and the answers of every variant. The model of its own fold answers each held-out
study. So the interval covers the choice of studies, but not the chance in training. The differences per fold, each with
its own models, show that chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Sequence

import numpy as np

#: The challenge's weights of normal/mild, moderate and severe.
WEIGHTS = np.array([1.0, 2.0, 4.0])
SAMPLES = 10_000
#: Two-sided 95 % points of Student's t by degrees of freedom.
_STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}

REPRODUCED, NOT_REPRODUCED, CONTRADICTED = "reproduced", "not reproduced", "contradicted"


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain(Estimate):
    """An estimate for which positive values support a claim, and the value of each fold."""

    folds: tuple[float, ...] = ()


def study_totals(study: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """`[studies, columns]`: each column `[N]` summed over the samples of a study `[N]`."""
    _, of = np.unique(study, return_inverse=True)
    return np.stack([np.bincount(of, weights=one) for one in columns], axis=1)


class Bootstrap:
    """Sums over studies drawn with replacement.

    Args:
        folds: per fold `[studies, columns]`, from `study_totals`.
    """

    def __init__(self, folds: Sequence[np.ndarray], seed: int = 0, samples: int = SAMPLES) -> None:
        totals = np.concatenate(folds)
        random, count = np.random.default_rng(seed), len(totals)
        self.whole = totals.sum(axis=0)
        self.folds = [one.sum(axis=0) for one in folds]
        # How often each study is drawn, a few rows at a time: [rows, studies] @ [studies, columns].
        parts, rows = [], max(1, 2_000_000 // count)
        for start in range(0, samples, rows):
            drawn = random.integers(0, count, (min(rows, samples - start), count))
            drawn += np.arange(len(drawn))[:, None] * count
            times = np.bincount(drawn.ravel(), minlength=len(drawn) * count).reshape(len(drawn), count)
            parts.append(times @ totals)
        self.drawn = np.concatenate(parts)

    def estimate(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Estimate:
        """A statistic of the columns' sums, `[..., columns]` to `[...]`, with its percentile interval."""
        low, high = np.percentile(statistic(self.drawn), [2.5, 97.5])
        return Estimate(float(statistic(self.whole)), float(low), float(high))

    def gain(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Gain:
        """Like `estimate`, with the value of each fold."""
        one = self.estimate(statistic)
        return Gain(one.value, one.low, one.high, tuple(float(statistic(fold)) for fold in self.folds))


def verdict(gain: Estimate, margin: float | None = None) -> str:
    """The verdict on a claim from a gain; positive gains support the claim.

    Args:
        margin: for a claim of "no worse": the loss that is still accepted. Without it the claim is "better".
    """
    if gain.high < 0:
        return CONTRADICTED
    if (gain.low > 0) if margin is None else (gain.low >= -margin):
        return REPRODUCED
    return NOT_REPRODUCED


def weighted_losses(probabilities: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weight and the weighted log loss of each sample. The ratio of their sums is the challenge's metric."""
    own = np.clip(probabilities[np.arange(len(label)), label].astype(float), 1e-15, 1)
    return WEIGHTS[label], -WEIGHTS[label] * np.log(own)


def slice_errors(z: np.ndarray, target: np.ndarray, slices: np.ndarray) -> np.ndarray:
    """`[N, outputs]` slice errors, NaN where unlabelled. Answers are rounded half up within the series, as in serving
    (packages/shared/stages/level-slices.ts). z, target: `[N, outputs]`; slices: `[N]` real slices."""
    found = np.clip(np.floor(z + 0.5), 0, slices[:, None] - 1)
    return np.abs(found - np.floor(target + 0.5))


def over_folds(differences: Sequence[float]) -> Estimate | None:
    """Mean of the differences of the folds, with Student's interval; None for fewer than two folds."""
    count = len(differences)
    if count < 2:
        return None
    mean = sum(differences) / count
    deviation = math.sqrt(sum((one - mean) ** 2 for one in differences) / (count - 1))
    half = _STUDENT[count - 1] * deviation / math.sqrt(count)
    return Estimate(mean, mean - half, mean + half)

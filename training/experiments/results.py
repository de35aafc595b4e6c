"""Reads finished runs and compares them: all numbers of the report."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spineline_training.config import FOLDS, ModelConfig, TrainingConfig, model_config_from, training_config_from
from spineline_training.job import with_settings

from .design import COMPARED, HEAD_TASKS, HEADS, VARIANTS, head_run, severity_run
from .slice_error import FILE as SLICE_ERROR_FILE
from .statistics import (
    Bootstrap,
    Estimate,
    Gain,
    slice_errors,
    study_totals,
    verdict,
    weighted_losses,
)

#: Loss that still counts as "no worse": rates of exact slices, and of slices off by three or more.
MARGINS = {"exact": 0.005, "off3": 0.001}
#: Rates of slice errors, in the order of the slide deck's table (docs/pipeline.md, "Level slices").
RATES = ("exact", "off1", "off2", "off3")


@dataclass
class Claim:
    """A claim and its result. A positive `gain` supports it; None if runs are missing."""

    letter: str
    text: str
    unit: str
    gain: Gain | None = None
    margin: float | None = None

    @property
    def verdict(self) -> str:
        return "not run" if self.gain is None else verdict(self.gain, self.margin)

    @property
    def agreeing(self) -> int:
        """Number of folds that support the claim; equality is enough for "no worse"."""
        return sum(one > 0 or (one == 0 and self.margin is not None) for one in self.gain.folds)


@dataclass
class Run:
    """A finished run's folder."""

    folder: Path
    asked: dict[str, Any]
    steps: int
    #: Passes over the training folds.
    epochs: float

    @property
    def model(self) -> ModelConfig:
        return model_config_from(self.asked["stage"], self.asked["model"])

    @property
    def recipe(self) -> TrainingConfig:
        return training_config_from(self.asked["recipe"])

    def predictions(self, file: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / file) as content:
            return dict(content)


@dataclass
class Comparison:
    """(b) to (e): the baseline against a variant."""

    letter: str
    variant: str
    #: Fold -> (baseline's weighted log loss, the variant's, the class shares').
    folds: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    #: Over all folds' held-out studies together, in the same order.
    pooled: tuple[float, float, float] | None = None
    studies: int = 0
    samples: int = 0
    #: A run of the baseline; other folds have the same model, recipe and steps.
    run: Run | None = None
    gain: Gain | None = None


@dataclass
class Curve:
    """(c): log loss by the size of the injected slice error, either way."""

    sizes: list[int] = field(default_factory=list)
    baseline: list[Estimate] = field(default_factory=list)
    variant: list[Estimate] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    #: The mean over all errors but none.
    gain: Gain | None = None
    folds: list[int] = field(default_factory=list)


@dataclass
class Heads:
    """(a) for a task: rates of slice errors of each head and of their median."""

    task: str
    folds: list[int] = field(default_factory=list)
    studies: int = 0
    outputs: int = 0
    #: "cls" | "reg" | "median" -> rate -> estimate.
    rates: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    #: Claim -> gain.
    gains: dict[str, Gain] = field(default_factory=dict)
    #: A run of each head; other folds have the same model, recipe and steps.
    runs: dict[str, Run] = field(default_factory=dict)


def comparison(runs: Path, letter: str, seed: int = 0) -> Comparison:
    """One of (b) to (e), over the folds with both runs finished.

    Raises ValueError if two runs differ in anything except the settings of the variant.
    """
    result, parts = Comparison(letter, COMPARED[letter]), []
    for fold in range(FOLDS):
        pair = [_finished(runs / severity_run(one, fold)) for one in ("baseline", result.variant)]
        if None in pair:
            continue
        _check_pair(*pair, result.variant)
        ours, theirs = (one.predictions("oof.npz") for one in pair)
        _check_samples(pair, ours, theirs)
        weight, first = weighted_losses(ours["probabilities"], ours["label"])
        second = weighted_losses(theirs["probabilities"], ours["label"])[1]
        shares = weighted_losses(ours["baseline"], ours["label"])[1]
        losses = (first, second, shares)
        result.folds[fold] = tuple(float(one.sum() / weight.sum()) for one in losses)
        parts.append(study_totals(ours["study"], weight, *losses))
        result.samples += len(weight)
        result.run = _same(result.run, pair[0])
    if parts:
        draws = Bootstrap(parts, seed)
        result.studies = sum(len(one) for one in parts)
        result.pooled = tuple(float(draws.whole[i] / draws.whole[0]) for i in (1, 2, 3))
        result.gain = draws.gain(lambda sums: (sums[..., 2] - sums[..., 1]) / sums[..., 0])
    return result


def curve(runs: Path, seed: int = 0) -> Curve:
    """(c): the baseline and the model without slice shift at injected slice errors."""
    result, parts = Curve(), []
    for fold in range(FOLDS):
        pair = [_finished(runs / severity_run(one, fold), SLICE_ERROR_FILE) for one in ("baseline", COMPARED["c"])]
        if None in pair:
            continue
        _check_pair(*pair, COMPARED["c"])
        ours, theirs = (one.predictions(SLICE_ERROR_FILE) for one in pair)
        _check_samples(pair, ours, theirs)
        sizes = np.abs(ours["errors"])
        result.sizes = sorted({int(one) for one in sizes})
        weight, columns = None, []
        for predictions in (ours, theirs):
            for size in result.sizes:
                each = [weighted_losses(one, ours["label"]) for one in predictions["probabilities"][sizes == size]]
                weight = each[0][0]
                columns.append(np.mean([loss for _, loss in each], axis=0))
        parts.append(study_totals(ours["study"], weight, *columns))
        result.folds.append(fold)
    if parts:
        draws, count = Bootstrap(parts, seed), len(result.sizes)

        def difference(first: int, second: int):
            return lambda sums: (sums[..., second] - sums[..., first]) / sums[..., 0]

        for i in range(count):
            result.baseline.append(draws.estimate(lambda sums, i=i: sums[..., 1 + i] / sums[..., 0]))
            result.variant.append(draws.estimate(lambda sums, i=i: sums[..., 1 + count + i] / sums[..., 0]))
            result.gains.append(draws.gain(difference(1 + i, 1 + count + i)))
        off = [i for i, size in enumerate(result.sizes) if size > 0]
        result.gain = draws.gain(lambda sums: np.mean([difference(1 + i, 1 + count + i)(sums) for i in off], axis=0))
    return result


def heads(runs: Path, task: str, seed: int = 0) -> Heads:
    """(a) for a task, over the folds with both heads finished; the median as serving takes it."""
    result, parts = Heads(task), []
    names = (*HEADS, "median")
    for fold in range(FOLDS):
        pair = [_finished(runs / head_run(task, head, fold)) for head in HEADS]
        if None in pair:
            continue
        if pair[0].asked["data"] != pair[1].asked["data"]:
            raise ValueError(f"{pair[0].folder} and {pair[1].folder} were trained on different data")
        cls, reg = (one.predictions("oof.npz") for one in pair)
        _check_samples(pair, cls, reg)
        z = {"cls": cls["found"][..., 2], "reg": reg["found"][..., 2]}
        z["median"] = np.median([z["cls"], z["reg"]], axis=0)
        errors = [slice_errors(z[one], cls["target"][..., 2], cls["slices"]) for one in names]
        labelled = np.isfinite(errors[0])
        counts = [labelled.sum(axis=1)]
        for error in errors:
            counts += [((error == off) & labelled).sum(axis=1) for off in (0, 1, 2)]
            counts.append(((error >= 3) & labelled).sum(axis=1))
        parts.append(study_totals(cls["study"], *counts))
        result.folds.append(fold)
        result.runs = {head: _same(result.runs.get(head), one) for head, one in zip(HEADS, pair)}
    if not parts:
        return result
    draws = Bootstrap(parts, seed)
    result.studies, result.outputs = sum(len(one) for one in parts), int(draws.whole[0])

    def rate(name: str, which: str):
        column = 1 + names.index(name) * len(RATES) + RATES.index(which)
        return lambda sums: sums[..., column] / sums[..., 0]

    def gain(first: str, second: str, which: str) -> Gain:
        """The rate of `first` minus that of `second`."""
        return draws.gain(lambda sums: rate(first, which)(sums) - rate(second, which)(sums))

    result.rates = {name: {which: draws.estimate(rate(name, which)) for which in RATES} for name in names}

    def best(which: str, of) -> str:
        # The better head is chosen once. Choosing it in every draw would favour it.
        return of(HEADS, key=lambda head: result.rates[head][which].value)

    result.gains = {
        "cls exact": gain("cls", "reg", "exact"),
        "reg off3": gain("cls", "reg", "off3"),
        "median exact": gain("median", best("exact", max), "exact"),
        "median off3": gain(best("off3", min), "median", "off3"),
    }
    return result


@dataclass
class Results:
    """All results."""

    heads: dict[str, Heads]
    comparisons: dict[str, Comparison]
    curve: Curve

    def claims(self) -> list[Claim]:
        """Every claim, including those whose runs are missing."""
        found: list[Claim] = []
        for task in HEAD_TASKS:
            gains, name = self.heads[task].gains, task.upper()
            for key, text, margin in (
                ("cls exact", "`cls` finds the exact slice more often than `reg`", None),
                ("reg off3", "`reg` is off by 3 or more less often than `cls`", None),
                ("median exact", "their median is exact no less often than the better head", MARGINS["exact"]),
                ("median off3", "their median is off by 3 or more no more often than the better head", MARGINS["off3"]),
            ):
                found.append(Claim("a", f"{name}: {text}", "points", gains.get(key), margin))
        of = self.comparisons
        found.append(Claim("b", "The slice loss (`aux`) lowers the log loss", "log loss", of["b"].gain))
        text = "Slice shift in training lowers the log loss at slice errors of 1 to 3"
        found.append(Claim("c", text, "log loss", self.curve.gain))
        text = "2.5D with attention has a lower log loss than three slices as channels"
        found.append(Claim("d", text, "log loss", of["d"].gain))
        text = "One encoder per view has a lower log loss than one for both"
        found.append(Claim("e", text, "log loss", of["e"].gain))
        return found


def results(runs: Path, head_runs: Path, seed: int = 0) -> Results:
    """Read everything that is finished in a folder of severity runs and one of stage-1 runs."""
    return Results(
        {task: heads(head_runs, task, seed) for task in HEAD_TASKS},
        {letter: comparison(runs, letter, seed) for letter in COMPARED},
        curve(runs, seed),
    )


def _finished(folder: Path, file: str = "oof.npz") -> Run | None:
    if not all((folder / one).exists() for one in ("metrics.json", "plan.json", file)):
        return None
    plan = json.loads((folder / "plan.json").read_text())
    return Run(folder, plan["asked"], plan["steps"], plan["epochs"])


def _same(first: Run | None, run: Run) -> Run:
    """Raises ValueError if folds were trained with different settings."""
    if first and (first.model, first.recipe, first.steps) != (run.model, run.recipe, run.steps):
        raise ValueError(
            f"{first.folder} and {run.folder} have other models, recipes or steps: folds are put together at one budget"
        )
    return first or run


def _check_pair(baseline: Run, other: Run, variant: str) -> None:
    """Check that the other run is the baseline with the variant's settings, with the same budget and data."""
    expected = with_settings(baseline.model, baseline.recipe, baseline.asked["stage"], list(VARIANTS[variant]))
    odd = [what for what, one in zip(("model", "recipe"), expected) if one != getattr(other, what)]
    odd += [key for key in ("stage", "task", "fold", "seed", "data") if baseline.asked[key] != other.asked[key]]
    odd += ["steps"] if baseline.steps != other.steps else []
    if odd:
        raise ValueError(
            f"{other.folder} is not {baseline.folder.name} with {variant} alone: it differs in {', '.join(odd)}; "
            "train both with one command"
        )


def _check_samples(pair: list[Run], first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    for key in ("study", "row", "label", "target"):
        if key in first and not np.array_equal(first[key], second[key], equal_nan=first[key].dtype.kind == "f"):
            raise ValueError(f"{pair[0].folder} and {pair[1].folder} hold out different samples: {key}")

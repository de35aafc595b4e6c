"""The report's figures: small PNG files with labels of axes, units and intervals."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402

from .results import RATES, Comparison, Curve, Estimate, Heads  # noqa: E402

_COLOURS = {"cls": "#1f77b4", "reg": "#d95f02", "median": "#1b7837", "baseline": "#1f77b4", "variant": "#d95f02"}
_RATE_NAMES = ("exact", "off by 1", "off by 2", "off by ≥ 3")


def plot_heads(tasks: list[Heads], file: Path) -> None:
    """(a): rates of slice errors, logarithmic, with intervals; one panel per task."""
    figure, axes = pyplot.subplots(1, len(tasks), figsize=(4.2 * len(tasks), 3.2), sharey=True, squeeze=False)
    lowest = 0.5 / max(one.outputs for one in tasks)
    for axis, one in zip(axes[0], tasks):
        for k, (name, rates) in enumerate(one.rates.items()):
            shown = [_floored(rates[which], lowest) for which in RATES]
            places = [i + (k - 1) * 0.16 for i in range(len(RATES))]
            _points(axis, places, shown, label=name, colour=_COLOURS[name])
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axis.set_xticks(range(len(RATES)), _RATE_NAMES)
        title = f"{one.task.upper()}, {one.outputs:,} slices of {one.studies:,} studies"
        axis.set_title(title, fontsize=9)
        axis.grid(axis="y", alpha=0.3)
    axes[0][0].set_ylabel("share of labelled slices")
    axes[0][-1].legend(fontsize=8)
    _save(figure, file)


def plot_comparisons(comparisons: list[Comparison], names: dict[str, str], file: Path) -> None:
    """(b), (d), (e): the gain of the baseline over each variant: pooled with its interval, and per fold."""
    figure, axis = pyplot.subplots(figsize=(7, 0.9 + 0.75 * len(comparisons)))
    for i, one in enumerate(comparisons):
        gain, label = one.gain, "a fold" if i == 0 else None
        axis.plot(gain.folds, [i - 0.16] * len(gain.folds), "|", color="grey", markersize=9, label=label)
        axis.errorbar(
            [gain.value], [i + 0.08], xerr=[[gain.value - gain.low], [gain.high - gain.value]], fmt="o",
            color=_COLOURS["baseline"], capsize=3, label="all folds, 95 % interval" if i == 0 else None,
        )  # fmt: skip
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(comparisons)), [names[one.letter] for one in comparisons])
    axis.set_ylim(len(comparisons) - 0.5, -0.5)
    axis.set_xlabel("log loss of the variant minus the baseline's (right: the baseline is better)")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8)
    _save(figure, file)


def plot_curve(curve: Curve, file: Path) -> None:
    """(c): log loss over the injected slice error, and the gain of slice shift at each error."""
    figure, (losses, gains) = pyplot.subplots(1, 2, figsize=(8.4, 3.2))
    for name, estimates, colour in (
        ("trained with slice shift", curve.baseline, _COLOURS["baseline"]),
        ("trained without", curve.variant, _COLOURS["variant"]),
    ):
        losses.plot(curve.sizes, [one.value for one in estimates], marker="o", color=colour, label=name)
        low, high = [one.low for one in estimates], [one.high for one in estimates]
        losses.fill_between(curve.sizes, low, high, color=colour, alpha=0.18, linewidth=0)
    losses.set_ylim(bottom=0)
    losses.set_ylabel("weighted log loss, SCS")
    losses.legend(fontsize=8, loc="lower right")
    _points(gains, curve.sizes, curve.gains, label="", colour="black")
    gains.axhline(0, color="black", linewidth=0.8)
    gains.set_ylabel("gain of slice shift, 95 % interval")
    for axis in (losses, gains):
        axis.set_xticks(curve.sizes)
        axis.set_xlabel("injected slice error (slices, either way)")
        axis.grid(alpha=0.3)
    figure.tight_layout()
    _save(figure, file)


def _points(axis, places: list[float], estimates: list[Estimate], label: str, colour: str) -> None:
    values = [one.value for one in estimates]
    below = [one.value - one.low for one in estimates]
    above = [one.high - one.value for one in estimates]
    axis.errorbar(places, values, yerr=[below, above], fmt="o", markersize=4, capsize=2, label=label, color=colour)


def _floored(estimate: Estimate, lowest: float) -> Estimate:
    """A rate of zero is drawn as half a slice, because a logarithmic axis has no zero."""
    return Estimate(*(max(one, lowest) for one in (estimate.value, estimate.low, estimate.high)))


def _save(figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # No software version in the file, so that the same numbers give the same file.
    figure.savefig(file, dpi=100, bbox_inches="tight", metadata={"Software": None})
    pyplot.close(figure)

"""Draws the training curves of a run's log."""

from __future__ import annotations

import json
from pathlib import Path


def plot_log(log: Path, picture: Path, title: str) -> None:
    """Loss and its terms, learning rate, and the held-out fold's metrics over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [one for one in entries if "loss" in one]
    validations = [one for one in entries if "validation" in one]
    names = [name for name in (steps[0] if steps else {}) if name not in ("step", "lr", "secondsPerStep")]
    metrics = list(validations[-1]["validation"]) if validations else []
    figure, axes = pyplot.subplots(2 + len(metrics), 1, figsize=(8, 3 + 1.8 * (1 + len(metrics))), sharex=True)
    figure.suptitle(title)
    for name in names:
        axes[0].plot([one["step"] for one in steps], [one[name] for one in steps], label=name, linewidth=1)
    axes[0].set_yscale("symlog", linthresh=0.1)
    axes[0].set_ylabel("training loss")
    axes[0].legend(fontsize=7)
    axes[1].plot([one["step"] for one in steps], [one["lr"] for one in steps], linewidth=1)
    axes[1].set_ylabel("learning rate")
    for axis, name in zip(axes[2:], metrics):
        axis.plot([one["step"] for one in validations], [one["validation"][name] for one in validations], marker="o")
        axis.set_ylabel(name)
    for axis in axes:
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("step")
    figure.subplots_adjust(left=0.12, right=0.97, top=0.95, bottom=0.06)
    figure.savefig(picture, dpi=100)
    pyplot.close(figure)

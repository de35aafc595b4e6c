"""The comparisons: the variants of the severity model, the heads of stage 1, and the names of their runs.

A variant is the baseline with one setting changed. All variants of a fold have the same seed, the same samples in the
same order, the same number of steps, and the same initial weights where the models are equal.
"""

from __future__ import annotations

from pathlib import Path

from spineline_training.job import run_name

#: The severity model of all experiments, and its recipe.
CONFIG = Path(__file__).resolve().parent / "experiment.json"
#: The heads are those of the demo bundle.
HEADS_CONFIG = CONFIG.parent.parent / "configs" / "nano.json"

SEVERITY = (3, "scs", "severity")
HEADS = ("cls", "reg")
HEAD_TASKS = ("scs", "nfn")

#: Variant -> settings that differ from the baseline (2.5D with attention, slice loss, slice shift, two encoders).
VARIANTS: dict[str, tuple[str, ...]] = {
    "baseline": (),
    "no-aux": ("aux_weight=0",),
    "no-shift": ("augment.slice_shift=[1.0]",),
    "three-channels": ("model.slices_as=channels",),
    "shared-encoder": ("model.encoders=shared",),
}
#: Experiment -> the variant to compare the baseline with. (a) compares heads.
COMPARED = {"b": "no-aux", "c": "no-shift", "d": "three-channels", "e": "shared-encoder"}
EXPERIMENTS = ("a", *COMPARED)

#: (c): slices by which every view is off, one value per evaluation.
SLICE_ERRORS = (-3, -2, -1, 0, 1, 2, 3)

RECORD = "experiments.json"
RECORD_SCHEMA = "spineline.experiments/1"


def variants_of(experiments) -> list[str]:
    """The variants that the experiments (b) to (e) need, the baseline first."""
    compared = [COMPARED[one] for one in COMPARED if one in experiments]
    return ["baseline", *compared] if compared else []


def severity_run(variant: str, fold: int) -> str:
    """Name of a severity run's folder."""
    return run_name(*SEVERITY, fold, variant)


def head_run(task: str, head: str, fold: int) -> str:
    """Name of a stage-1 run's folder."""
    return run_name(1, task, head, fold)

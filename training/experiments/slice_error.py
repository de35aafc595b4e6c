"""Evaluates a severity model on its held-out fold, with every view cut some slices away from the labelled one.

    python3 -m experiments.slice_error --run RUNS/stage3-scs-severity-fold0-baseline --data PREPARED

Writes `slice-error.npz` into the run's folder: `errors` [E] in slices, in either direction; `probabilities` [E, N, 3];
and for each sample `study`, `row`, `label` [N].
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import torch

from spineline_training.allocator import keep_freed_memory
from spineline_training.augment import make_batch
from spineline_training.config import model_config_from
from spineline_training.data import Prepared, samples_of
from spineline_training.models import build_model, take_pooled

from .design import SLICE_ERRORS

FILE = "slice-error.npz"
_BATCH = 32


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="experiments.slice_error", description=__doc__.split("\n\n")[0])
    parser.add_argument("--run", required=True, type=Path, help="folder of a finished severity run")
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="the prepared datasets of its training")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    torch.set_num_threads(1)
    try:
        evaluate(options.run, Prepared(options.data))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def evaluate(run: Path, data: Prepared) -> None:
    """Write a run's `slice-error.npz`.

    Raises:
        ValueError: the run was trained on other data, or the room of the data is too small for the errors.
    """
    content = torch.load(run / "model.pt", map_location="cpu")
    asked = content["asked"]
    if asked["data"] != [one["digest"] for one in data.datasets]:
        raise ValueError(f"{run} was trained on other data than {', '.join(map(str, data.folders))}")
    samples = samples_of(data, asked["stage"], asked["task"])
    model = build_model(asked["task"], model_config_from(asked["stage"], asked["model"]))
    model.load_state_dict(content["model"])
    take_pooled(model, samples.pooled).eval().to(memory_format=torch.channels_last)
    _, held_out = samples.split(asked["fold"])
    probabilities = np.empty((len(SLICE_ERRORS), len(held_out), 3), np.float32)
    with torch.no_grad():
        for start in range(0, len(held_out), _BATCH):
            index = held_out[start : start + _BATCH]
            for e, error in enumerate(SLICE_ERRORS):
                inputs = make_batch(samples, index, slice_error=error).inputs
                inputs = [one.contiguous(memory_format=torch.channels_last) for one in inputs]
                logits = model(*inputs)[model.output]
                probabilities[e, start : start + _BATCH] = logits.softmax(dim=1).numpy()
    with open(run / f"{FILE}.part", "wb") as file:
        np.savez_compressed(
            file,
            errors=np.array(SLICE_ERRORS),
            probabilities=probabilities,
            study=np.array([samples.studies[one] for one in samples.study[held_out]]),
            row=samples.row[held_out],
            label=samples.label[held_out],
        )
    os.replace(run / f"{FILE}.part", run / FILE)
    print(f"{run.name}: {len(held_out)} samples at slice errors {SLICE_ERRORS[0]} to {SLICE_ERRORS[-1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

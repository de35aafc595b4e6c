"""Trains everything that docs/experiments.md reports.

    python3 -m experiments.run --data PREPARED --out RUNS --minutes 4 --head-minutes 8
    python3 -m experiments.report --runs RUNS

All severity runs have the same number of steps, and so have all runs of stage 1. It is given, or planned from the speed
of the first run. The same command again skips what is finished and continues the rest. Folds are trained one after the
other, so that there are always as many complete folds as there was time for.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import torch

from spineline_training.allocator import keep_freed_memory
from spineline_training.config import FOLDS, Config, load_config
from spineline_training.data import Prepared
from spineline_training.job import Job, job_of
from spineline_training.train import Stopped, train
from spineline_training.train_all import Process, run_all

from .design import (
    CONFIG,
    EXPERIMENTS,
    HEAD_TASKS,
    HEADS,
    HEADS_CONFIG,
    RECORD,
    RECORD_SCHEMA,
    SEVERITY,
    SLICE_ERRORS,
    VARIANTS,
    severity_run,
    variants_of,
)
from .slice_error import FILE as SLICE_ERROR_FILE


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="experiments.run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="prepared datasets, read as one")
    parser.add_argument("--out", required=True, type=Path, help="folder of runs")
    parser.add_argument("--only", type=_letters, default=EXPERIMENTS, help="experiments, such as b,c (default: all)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="number of folds to train, 1 to 5 (default 5)")
    severity = parser.add_mutually_exclusive_group()
    severity.add_argument("--steps", type=int, help="steps of every severity run")
    severity.add_argument("--minutes", type=float, default=4.0, help="minutes for the first run (default 4)")
    heads = parser.add_mutually_exclusive_group()
    heads.add_argument("--head-steps", type=int, help="steps of every stage-1 run, (a)")
    heads.add_argument("--head-minutes", type=float, default=8.0, help="minutes for the first run (default 8)")
    parser.add_argument("--head-task", action="append", choices=HEAD_TASKS, help="only this task of (a) (repeatable)")
    parser.add_argument("--config", type=Path, default=CONFIG, help="another severity model (default experiment.json)")
    parser.add_argument("--heads-config", type=Path, default=HEADS_CONFIG, help="another stage 1 (default nano.json)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time, with one thread each (default 2)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if not 1 <= options.folds <= FOLDS:
        parser.error(f"--folds must be 1 to {FOLDS}, found {options.folds}")
    keep_freed_memory()
    torch.set_num_threads(1)
    try:
        data = Prepared(options.data)
        _check_room(data, options)
        options.out.mkdir(parents=True, exist_ok=True)
        processes = []
        for jobs, config, steps, minutes in (
            (list(_severity_jobs(options)), options.config, options.steps, options.minutes),
            (list(_head_jobs(options)), options.heads_config, options.head_steps, options.head_minutes),
        ):
            if jobs:
                budget = _budget(jobs, data, options.out, steps, minutes)
                processes += [(job.fold, _training(job, config, budget, options)) for job in jobs]
        _record(data, options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    # Stable sort: within a fold the severity runs come first.
    failed = run_all([one for _, one in sorted(processes, key=lambda one: one[0])], options.out, options.jobs)
    failed += run_all(list(_evaluations(options)), options.out, options.jobs)
    if failed:
        print(f"{len(failed)} runs did not finish: {', '.join(failed)}; the same command continues", file=sys.stderr)
        return 1
    print(f"finished; now: python3 -m experiments.report --runs {options.out}")
    return 0


def _letters(text: str) -> tuple[str, ...]:
    letters = tuple(text.split(","))
    if not set(letters) <= set(EXPERIMENTS):
        raise argparse.ArgumentTypeError(f"experiments are {', '.join(EXPERIMENTS)}; found {text}")
    return letters


def _check_room(data: Prepared, options: argparse.Namespace) -> None:
    needed, found = max(SLICE_ERRORS), int(data.meta["options"].get("cropRoomSlices", 0))
    if "c" in options.only and found < needed:
        raise ValueError(
            f"(c) injects slice errors of up to {needed}: prepare with --crop-room-slices {needed} (found {found}), or "
            "leave it out with --only"
        )


def _severity_jobs(options: argparse.Namespace) -> Iterator[Job]:
    config = load_config(options.config)
    for fold in range(options.folds):
        for variant in variants_of(options.only):
            yield _job(config, SEVERITY, fold, options, VARIANTS[variant], variant)


def _head_jobs(options: argparse.Namespace) -> Iterator[Job]:
    config = load_config(options.heads_config)
    for fold in range(options.folds if "a" in options.only else 0):
        for task in options.head_task or HEAD_TASKS:
            for head in HEADS:
                yield _job(config, (1, task, head), fold, options)


def _job(config: Config, member: tuple[int, str, str], fold: int, options, settings=(), variant: str = "") -> Job:
    return job_of(config, *member, fold, settings, seed=options.seed, device=options.device, variant=variant)


def _budget(jobs: list[Job], data: Prepared, out: Path, steps: int | None, minutes: float) -> int:
    """The common number of steps of these runs: that of the runs in `out`, or `steps`, or what `minutes` allow.

    Raises ValueError if runs in `out` have another number than `steps`.
    """
    plans = {job.name: out / job.name / "plan.json" for job in jobs}
    planned = {name: json.loads(file.read_text())["steps"] for name, file in plans.items() if file.exists()}
    if not planned and steps is None:
        # The first run plans its steps from the time and stops after one step. It continues together with the others.
        first = dataclasses.replace(jobs[0], minutes=minutes)
        try:
            train(first, data, out, lambda line: print(line, flush=True), stop=lambda: True)
        except Stopped:
            pass
        return json.loads(plans[first.name].read_text())["steps"]
    for name, found in planned.items():
        steps = found if steps is None else steps
        if found != steps:
            raise ValueError(
                f"{out / name} has {found} steps, not {steps}: runs are compared at one budget; use another --out"
            )
    return steps


def _training(job: Job, config: Path, steps: int, options: argparse.Namespace) -> Process:
    command = [sys.executable, "-m", "spineline_training.train", "--config", config, "--data", *options.data]
    command += ["--out", options.out, "--stage", job.stage, "--task", job.task, "--member", job.member]
    command += ["--fold", job.fold, "--steps", steps, "--seed", job.seed, "--device", options.device]
    if job.variant:
        command += ["--name", job.variant]
    for one in VARIANTS.get(job.variant, ()):
        command += ["--set", one]
    return Process(job.name, [str(one) for one in command], options.out / job.name / "metrics.json")


def _evaluations(options: argparse.Namespace) -> Iterator[Process]:
    """(c): evaluates the finished runs at injected slice errors."""
    for fold in range(options.folds if "c" in options.only else 0):
        for variant in ("baseline", "no-shift"):
            run = options.out / severity_run(variant, fold)
            if (run / "metrics.json").exists():
                command = [sys.executable, "-m", "experiments.slice_error", "--run", run, "--data", *options.data]
                yield Process(f"{run.name}-slice-error", [str(one) for one in command], run / SLICE_ERROR_FILE)


def _record(data: Prepared, options: argparse.Namespace) -> None:
    """Data, date and commits of the runs, for the report."""
    file = options.out / RECORD
    now = {
        "schema": RECORD_SCHEMA,
        "started": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commits": [],
        "datasets": data.datasets,
        "studies": len(data.studies),
        "seed": options.seed,
    }
    record = json.loads(file.read_text()) if file.exists() else now
    for key in ("datasets", "seed"):
        if record[key] != now[key]:
            raise ValueError(f"{options.out} holds experiments with other {key}: {record[key]}; use another --out")
    if (commit := _commit()) not in record["commits"]:
        record["commits"].append(commit)
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(record, indent=2) + "\n")
    os.replace(part, file)


def _commit() -> str:
    here = Path(__file__).resolve().parent
    asked = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())

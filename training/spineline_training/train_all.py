"""Trains every member of a configuration, and exports the bundles.

    python3 -m spineline_training.train_all --config configs/nano.json --data PREPARED --out RUNS \\
        --minutes-per-stage 10,6,8 --jobs 2 --export ../models/demo

Each member is a separate process with one thread: on a CPU, two such jobs at a time are faster than one with two
threads. The same command again skips what is finished and continues the rest. A failed job does not stop the others.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from .config import FOLDS, Config, load_config
from .export import main as export
from .job import run_name
from .train import STOPPED

#: The metrics of a member that the table shows, per stage.
_COLUMNS = {
    1: ("exact", "off1", "off2", "off3", "slices", "x", "y"),
    2: ("median", "p95", "mean"),
    3: ("log_loss", "baseline", "accuracy", "ece"),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="spineline_training.train_all", description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="prepared datasets, read as one")
    parser.add_argument("--out", required=True, type=Path, help="folder of runs")
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), action="append", help="only this stage (repeatable)")
    parser.add_argument("--task", action="append", choices=("scs", "nfn", "ss"), help="only this task (repeatable)")
    parser.add_argument("--fold", choices=("all",), help="all: five folds per member (default: each its own)")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes-per-stage", type=_three, help="minutes per job of stages 1, 2 and 3, such as 10,6,8")
    budget.add_argument("--steps", type=int, help="steps of every job")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads per process (default 1)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for one training")
    parser.add_argument("--start-from", type=Path, help="as for one training: bundles or runs to start from")
    parser.add_argument("--memory-gb", type=float, help="as for one training, for each process")
    parser.add_argument("--export", type=Path, metavar="OUT", help="write the bundles when every member is trained")
    options = parser.parse_args(arguments)
    config = load_config(options.config)
    jobs = list(_jobs(config, options))
    processes = [
        Process(run_name(*job), _command(job, options), options.out / run_name(*job) / "metrics.json") for job in jobs
    ]
    failed = run_all(processes, options.out, options.jobs, options.threads)
    print(summary(config, options.out, jobs))
    if failed:
        print(f"{len(failed)} of {len(jobs)} jobs did not finish: {', '.join(failed)}", file=sys.stderr)
        return 1
    if options.export:
        stages = [argument for stage in options.stage or () for argument in ("--stage", str(stage))]
        export(["--config", str(options.config), "--runs", str(options.out), "--out", str(options.export), *stages])
    return 0


def _three(text: str) -> tuple[float, float, float]:
    values = tuple(float(one) for one in text.split(","))
    if len(values) != 3 or min(values) <= 0:
        raise argparse.ArgumentTypeError(f"three numbers of minutes are needed, such as 10,6,8; found {text}")
    return values


def _jobs(config: Config, options: argparse.Namespace):
    for stage in options.stage or (1, 2, 3):
        for task, member, _ in config.members(stage):
            if options.task and task not in options.task:
                continue
            own = [config.stages[stage].folds[member]]
            for fold in range(FOLDS) if options.fold == "all" else own:
                yield stage, task, member, fold


@dataclass(frozen=True)
class Process:
    """A command that can be resumed; `done` is the file that it writes last."""

    name: str
    command: list[str]
    done: Path


def run_all(processes: Sequence[Process], out: Path, at_a_time: int, threads: int = 1) -> list[str]:
    """Run the commands that are not done, `at_a_time` at a time. Returns the names of those that did not finish.

    The output of each is also appended to `out/<name>.txt`. A signal stops them all.
    """
    # torch's own number of threads does not bind OpenBLAS, which would take every core in each process.
    environment = {"OPENBLAS_NUM_THREADS": str(threads), **os.environ}
    running: set[subprocess.Popen] = set()
    stopping = threading.Event()

    def stop(number, frame) -> None:
        stopping.set()
        for one in list(running):
            one.terminate()

    def run(asked: Process) -> str | None:
        name = asked.name
        if asked.done.exists():
            print(f"{name}: finished already", flush=True)
            return None
        if stopping.is_set():
            return name
        out.mkdir(parents=True, exist_ok=True)
        with open(out / f"{name}.txt", "a") as output:
            process = subprocess.Popen(
                asked.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
            )
            running.add(process)
            for line in process.stdout:
                output.write(line)
                output.flush()
                print(line if line.startswith(name) else f"{name}: {line}", end="", flush=True)
            status = process.wait()
            running.discard(process)
        if status not in (0, STOPPED):
            print(f"{name}: failed with status {status}; its output is in {name}.txt", flush=True)
        return None if status == 0 else name

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        with ThreadPoolExecutor(at_a_time) as pool:
            return [name for name in pool.map(run, processes) if name]
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _command(job: tuple[int, str, str, int], options: argparse.Namespace) -> list[str]:
    stage, task, member, fold = job
    command = [sys.executable, "-m", "spineline_training.train", "--config", options.config, "--data", *options.data]
    command += ["--out", options.out, "--stage", stage, "--task", task, "--member", member, "--fold", fold]
    command += ["--threads", options.threads, "--device", options.device, "--seed", options.seed]
    if options.minutes_per_stage:
        command += ["--minutes", options.minutes_per_stage[stage - 1]]
    if options.steps:
        command += ["--steps", options.steps]
    if options.start_from:
        command += ["--start-from", options.start_from]
    if options.memory_gb is not None:
        command += ["--memory-gb", options.memory_gb]
    for one in options.set:
        command += ["--set", one]
    return [str(one) for one in command]


def summary(config: Config, out: Path, jobs: list[tuple[int, str, str, int]]) -> str:
    """One table per stage with the metrics of the members on their held-out folds."""
    lines = []
    for stage in (1, 2, 3):
        mine = [job for job in jobs if job[0] == stage]
        if not mine:
            continue
        lines.append(f"{f'stage {stage}':28}" + "".join(f"{name:>10}" for name in ("steps", *_COLUMNS[stage])))
        for job in mine:
            file = out / run_name(*job) / "metrics.json"
            if not file.exists():
                lines.append(f"{run_name(*job):28}  not finished")
                continue
            result = json.loads(file.read_text())
            values = [result["metrics"].get(name) for name in _COLUMNS[stage]]
            cells = "".join(f"{'' if one is None else f'{one:.4f}':>10}" for one in values)
            lines.append(f"{run_name(*job):28}{result['steps']:>10}{cells}")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

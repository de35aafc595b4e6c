"""Trains one member of a bundle on prepared datasets.

    python3 -m spineline_training.train --config configs/nano.json --data PREPARED --out RUNS \\
        --stage 1 --task scs --member cls --minutes 10

Writes a run folder `RUNS/stage1-scs-cls-fold0`: `plan.json` (the job and the number of steps), `checkpoint.pt`,
`log.jsonl`, `log.png`, and at the end `oof.npz` (predictions on the held-out fold), `model.pt` and `metrics.json`.
The same command again continues a stopped run and leaves a finished one as it is. Every random number is a function of
the seed and the step. So on the CPU of one machine a resumed run ends with the same weights, bit for bit, as an
uninterrupted one.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import hashlib
import json
import math
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from .allocator import keep_freed_memory
from .augment import Batch, make_batch
from .config import FOLDS, ConvNeXt3dConfig, TrainingConfig, load_config
from .data import Prepared, Samples, samples_of
from .job import MEMORY_GB, Job, job_of, present_model, run_name
from .losses import losses
from .metrics import class_shares, decode_stage1, stage1_metrics, stage2_metrics, stage3_metrics
from .models import build_model, take_pooled
from .plot import plot_log
from .run_files import save_torch, state_digest, write_file
from .warm_start import earlier_weights

#: Exit status of a run that was stopped by SIGTERM or SIGINT and can be resumed.
STOPPED = 75
_CHECKPOINT_SECONDS = 120.0


class Stopped(Exception):
    """Raised when the run was stopped; its checkpoint is written."""


def train(job: Job, data: Prepared, out: Path, say: Callable[[str], None] = print, stop=lambda: False) -> dict:
    """Train a member, or continue its training. Returns its metrics, which are also in `metrics.json`.

    Args:
        out: folder of runs, in which the run has its own folder.
        say: receives progress lines.
        stop: called after every step. When it returns true, a checkpoint is written and Stopped is raised.

    Raises:
        PreparedError: the data are not what the model reads.
        ValueError: the run folder belongs to another training.
        FloatingPointError: the loss is not a number.
    """
    folder = out / job.name
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "metrics.json"
    run = _Run(job, data, folder)
    if done.exists():
        say(f"{job.name}: finished already")
        return json.loads(done.read_text())
    run.prepare(say)
    run.train(say, stop)
    return run.finish(say)


class _Run:
    def __init__(self, job: Job, data: Prepared, folder: Path) -> None:
        self.job, self.data, self.folder = job, data, folder
        self.recipe, self.device = job.recipe, torch.device(job.device)
        self.plan_file, self.checkpoint, self.log = (
            folder / "plan.json",
            folder / "checkpoint.pt",
            folder / "log.jsonl",
        )
        self.plan = json.loads(self.plan_file.read_text()) if self.plan_file.exists() else None
        asked = {**job.asked(), "data": [one["digest"] for one in data.datasets]}
        self.weights = None
        if job.start_from:
            self.weights, asked["startFrom"] = earlier_weights(
                job.start_from, job.stage, job.task, job.member, job.fold, job.model
            )
        planned = self.plan and {**self.plan["asked"], "model": present_model(job.stage, self.plan["asked"]["model"])}
        if planned and planned != asked:
            other = [key for key in {**planned, **asked} if asked.get(key) != planned.get(key)]
            raise ValueError(
                f"{folder} holds a training of another {', '.join(other)}; give --name for a variant, or another --out"
            )
        self.asked = asked

    def prepare(self, say: Callable[[str], None]) -> None:
        job = self.job
        self.samples = samples_of(self.data, job.stage, job.task)
        self.train_index, self.held_out = self.samples.split(job.fold)
        for index, what in ((self.train_index, "train on"), (self.held_out, "hold out")):
            if len(index) == 0:
                raise ValueError(f"{job.name}: fold {job.fold} leaves no sample to {what}; more studies are needed")
        self._check_shapes()
        in_memory = self.samples.load(job.memory_gb * 1e9)
        # The seed does not depend on the variant: variants start from the same weights where the models are equal.
        torch.manual_seed(_seed(job.seed, run_name(job.stage, job.task, job.member, job.fold)))
        self.model = take_pooled(build_model(job.task, job.model), self.samples.pooled).to(self.device)
        if self.weights:
            self.model.load_state_dict(self.weights, strict=False)
        if job.stage > 1:
            self.model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = _optimiser(self.model, self.recipe)
        half = torch.float16 if not (self.cuda and torch.cuda.is_bf16_supported()) else torch.bfloat16
        self.half = half if self.cuda and self.recipe.amp else None
        self.scaler = torch.cuda.amp.GradScaler(enabled=self.half is torch.float16)
        self.step = 0
        if self.plan is None:
            self._plan()
        if self.checkpoint.exists():
            self._restore()
        self._cut_log()
        say(
            f"{job.name}: {len(self.train_index)} samples, {len(self.held_out)} held out"
            f"{'' if in_memory else ', mapped'}; {self.steps} steps of {self.recipe.batch} from {self.step}"
        )

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def steps(self) -> int:
        return self.plan["steps"]

    def _check_shapes(self) -> None:
        job, samples = self.job, self.samples
        if job.stage < 3 and samples.full_size != tuple(job.model.size):
            raise ValueError(
                f"{job.name}: the model reads images of {tuple(job.model.size)}, the dataset was prepared at "
                f"{samples.full_size}"
            )
        slices = {1: getattr(job.model, "slices", 0), 2: 3, 3: getattr(job.model, "slices", 0)}[job.stage]
        if samples.views[0].slices != slices:
            raise ValueError(
                f"{job.name}: the model reads {slices} slices, the dataset was prepared with {samples.views[0].slices}"
            )

    def _plan(self) -> None:
        """Fix the number of steps, so that the learning-rate schedule is known from the first step."""
        job, an_epoch = self.job, len(self.train_index) / self.recipe.batch
        speed = None
        if job.steps:
            steps = job.steps
        elif job.minutes:
            speed = self._seconds_a_step(min(10.0, 6.0 * job.minutes))
            steps = job.minutes * 60 / speed
        else:
            steps = self.recipe.epochs * an_epoch
        self.plan = {
            "asked": self.asked,
            "steps": max(1, round(steps)),
            "epochs": max(1, round(steps)) / an_epoch,
            "minutes": job.minutes,
            "secondsPerStep": speed,
        }
        write_file(self.plan_file, json.dumps(self.plan, indent=2).encode() + b"\n")

    def _seconds_a_step(self, seconds: float) -> float:
        """Measured on steps whose effect is discarded."""
        kept = copy.deepcopy((self.model.state_dict(), self.average.state_dict()))
        self.plan = {"steps": 1_000_000}
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < 4 or time.perf_counter() - began < seconds:
            start = time.perf_counter()
            self._one_step(len(times), self._batch(len(times)))
            times.append(time.perf_counter() - start)
        self.model.load_state_dict(kept[0])
        self.average.load_state_dict(kept[1])
        self.optimiser = _optimiser(self.model, self.recipe)
        # The first steps allocate memory; evaluations take a part of the budget.
        return 1.04 * sum(times[2:]) / len(times[2:])

    def train(self, say: Callable[[str], None], stop: Callable[[], bool]) -> None:
        validate_at = {round(self.steps * (i + 1) / self.recipe.validations) for i in range(self.recipe.validations)}
        every = max(1, min(50, self.steps // 20))
        seen: list[dict[str, float]] = []
        began, began_at = time.monotonic(), self.step
        saved = reported = began
        for batch in self._batches():
            seen.append(self._one_step(self.step, batch))
            self.step += 1
            now = time.monotonic()
            if self.step % every == 0 or self.step == self.steps:
                terms = {name: float(np.mean([one[name] for one in seen])) for name in seen[0]}
                if not math.isfinite(terms["loss"]):
                    raise FloatingPointError(f"{self.job.name}: the loss is {terms['loss']} at step {self.step}")
                seen = []
                pace = (now - began) / (self.step - began_at)
                self._note({"step": self.step, "lr": self._rate(self.step - 1), **terms, "secondsPerStep": pace})
                if now - reported > 15 or self.step == self.steps:
                    reported = now
                    left = (self.steps - self.step) * pace
                    say(
                        f"{self.job.name}: step {self.step}/{self.steps}  loss {terms['loss']:.4f}  "
                        f"{pace * 1000:.0f} ms/step  {left / 60:.1f} min left"
                    )
            if self.step in validate_at and self.step < self.steps:
                metrics = self.evaluate(most=400)[0]
                self._note({"step": self.step, "validation": metrics})
                say(f"{self.job.name}: step {self.step}  {_line(metrics)}")
            if stop() and self.step < self.steps:
                self._save()
                raise Stopped(f"{self.job.name} stopped at step {self.step} of {self.steps}; run it again to resume")
            if now - saved > _CHECKPOINT_SECONDS:
                saved = now
                self._save()
        self._save()

    def _batches(self) -> Iterator[Batch]:
        steps = range(self.step, self.steps)
        if not self.cuda:
            yield from map(self._batch, steps)
            return
        # The CPU prepares the next batch while the GPU computes.
        with ThreadPoolExecutor(1) as ahead:
            following = None
            for step in steps:
                batch = (following or ahead.submit(self._batch, step)).result()
                following = ahead.submit(self._batch, step + 1) if step + 1 < self.steps else None
                yield batch

    def _batch(self, step: int) -> Batch:
        """The batch of a step; it depends only on the seed and the step."""
        size, count = self.recipe.batch, len(self.train_index)
        places = np.arange(step * size, (step + 1) * size)
        index = np.empty(size, np.int64)
        for epoch in np.unique(places // count):
            order = np.random.default_rng([self.job.seed, 1, int(epoch)]).permutation(self.train_index)
            mine = places // count == epoch
            index[mine] = order[places[mine] % count]
        random = np.random.default_rng([self.job.seed, 2, step])
        return make_batch(self.samples, index, self.recipe.augment, random, self.device)

    def _rate(self, step: int) -> float:
        warm_up = max(1, round(self.recipe.warm_up * self.steps))
        if step < warm_up:
            return self.recipe.lr * (step + 1) / warm_up
        return self.recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, self.steps - warm_up)))

    def _one_step(self, step: int, batch: Batch) -> dict[str, float]:
        torch.manual_seed(_seed(self.job.seed, f"step {step}"))
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(step)
        with self._precision():
            outputs = self.model(*self._inputs(batch))
        terms = losses(self.model, outputs, batch.targets, self.recipe)
        total = sum(terms.values())
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self._average(step)
        return {"loss": float(total.detach()), **{name: float(one.detach()) for name, one in terms.items()}}

    def _inputs(self, batch: Batch) -> tuple[Tensor, ...]:
        if self.job.stage == 1:
            return batch.inputs
        return tuple(one.contiguous(memory_format=torch.channels_last) for one in batch.inputs)

    def _precision(self):
        return torch.autocast("cuda", dtype=self.half) if self.half else contextlib.nullcontext()

    def _average(self, step: int) -> None:
        # At first average only a few steps, or the average would keep the random start.
        decay = min(self.recipe.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, now in zip(self.average.state_dict().values(), self.model.state_dict().values()):
                if kept.is_floating_point():
                    kept.lerp_(now, 1 - decay)
                else:
                    kept.copy_(now)

    def evaluate(self, most: int | None = None) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Metrics of the averaged weights on the held-out fold (or `most` samples of it), and the predictions."""
        index = self.held_out
        if most is not None and len(index) > most:
            index = index[np.linspace(0, len(index) - 1, most).astype(int)]
        outputs = []
        with torch.no_grad(), self._precision():
            for start in range(0, len(index), self.recipe.batch):
                batch = make_batch(self.samples, index[start : start + self.recipe.batch], device=self.device)
                outputs.append(self.average(*self._inputs(batch))[self.average.output].float().cpu().numpy())
        return self._metrics(index, np.concatenate(outputs))

    def _metrics(self, index: np.ndarray, output: np.ndarray) -> tuple[dict, dict[str, np.ndarray]]:
        samples, config = self.samples, self.job.model
        kept = {
            "study": np.array([samples.studies[one] for one in samples.study[index]]),
            "row": samples.row[index],
            "output": output,
        }
        if isinstance(config, ConvNeXt3dConfig):
            target, slices = samples.target[index], samples.slices[index]
            found = decode_stage1(output, config.head, slices, config.slices)
            return stage1_metrics(found, target, slices), {**kept, "found": found, "target": target, "slices": slices}
        if self.job.stage == 2:
            target = samples.target[index]
            return stage2_metrics(output, target), {**kept, "target": target}
        label = samples.label[index]
        exponent = np.exp(output - output.max(axis=1, keepdims=True))
        probabilities = exponent / exponent.sum(axis=1, keepdims=True)
        baseline = class_shares(samples, self.train_index)[samples.row[index] % 5]
        metrics = stage3_metrics(probabilities, label, baseline)
        return metrics, {**kept, "label": label, "probabilities": probabilities, "baseline": baseline}

    def finish(self, say: Callable[[str], None]) -> dict:
        metrics, predictions = self.evaluate()
        self._note({"step": self.steps, "validation": metrics})
        plot_log(self.log, self.folder / "log.png", self.job.name)
        with open(self.folder / "oof.npz.part", "wb") as file:
            np.savez_compressed(file, **predictions)
        os.replace(self.folder / "oof.npz.part", self.folder / "oof.npz")
        state = {name: value.detach().cpu().contiguous() for name, value in self.average.state_dict().items()}
        result = {
            "run": self.job.name,
            **{key: self.asked[key] for key in ("stage", "task", "member", "fold", "seed")},
            "steps": self.steps,
            "epochs": self.plan["epochs"],
            "trained": len(self.train_index),
            "heldOut": len(self.held_out),
            "metrics": metrics,
            "digest": state_digest(state),
        }
        data = {
            "datasets": self.data.datasets,
            "studies": len(self.data.studies),
            "settings": self.data.meta["settings"],
            "classCounts": self.data.class_counts(),
        }
        save_torch(self.folder / "model.pt", {**result, "model": state, "asked": self.asked, "data": data})
        # Written last: it marks the run as finished.
        write_file(self.folder / "metrics.json", json.dumps(result, indent=2).encode() + b"\n")
        self.checkpoint.unlink(missing_ok=True)
        say(f"{self.job.name}: finished  {_line(metrics)}")
        return result

    def _save(self) -> None:
        content = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        save_torch(self.checkpoint, content)

    def _restore(self) -> None:
        content = torch.load(self.checkpoint, map_location=self.device)
        self.model.load_state_dict(content["model"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.scaler.load_state_dict(content["scaler"])
        self.step = content["step"]

    def _cut_log(self) -> None:
        """Delete log lines after the checkpoint, because those steps are repeated."""
        if self.log.exists():
            lines = [line for line in self.log.read_text().splitlines() if json.loads(line)["step"] <= self.step]
            write_file(self.log, "".join(f"{line}\n" for line in lines).encode())

    def _note(self, entry: dict) -> None:
        rounded = {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in entry.items()}
        with open(self.log, "a") as file:
            file.write(json.dumps(rounded) + "\n")


def _optimiser(model: nn.Module, recipe: TrainingConfig) -> torch.optim.AdamW:
    """AdamW without weight decay for biases, norms and layer scales: parameters with at most one axis longer than 1."""
    decayed, free = [], []
    for name, one in model.named_parameters():
        plain = sum(size > 1 for size in one.shape) <= 1 or "bias" in name.split(".")[-1]
        (free if plain else decayed).append(one)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr)


def _seed(seed: int, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{what}".encode()).digest()[:7], "big")


def _line(metrics: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="spineline_training.train", description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", required=True, type=Path, help="models and recipes, such as configs/nano.json")
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="prepared datasets, read as one")
    parser.add_argument("--out", required=True, type=Path, help="folder of runs")
    parser.add_argument("--stage", required=True, type=int, choices=(1, 2, 3))
    parser.add_argument("--task", required=True, help="scs, nfn or ss")
    parser.add_argument("--member", required=True, help="a model that the configuration names for the task")
    parser.add_argument("--fold", help="fold to hold out: 0 to 4, or all in turn (default: that of the member)")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--steps", type=int, help="steps to train")
    budget.add_argument("--minutes", type=float, help="time to train; the steps are planned from the measured speed")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1: two jobs are then faster)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a field of recipe or model.*")
    parser.add_argument("--name", default="", help="suffix of the run's folder, for a variant")
    parser.add_argument("--start-from", type=Path, help="bundles or runs to take this member's initial weights from")
    parser.add_argument("--memory-gb", type=float, default=MEMORY_GB, help="read images into memory up to this size")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("--device cuda, but torch finds no CUDA device")
    if options.fold not in (None, "all", *map(str, range(FOLDS))):
        parser.error(f"--fold must be 0 to {FOLDS - 1} or all, found {options.fold}")
    asked_to_stop: list[int] = []
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, frame: asked_to_stop.append(number))
    try:
        config, data = load_config(options.config), Prepared(options.data)
        for fold in range(FOLDS) if options.fold == "all" else [None if options.fold is None else int(options.fold)]:
            job = job_of(
                config, options.stage, options.task, options.member, fold, options.set,
                seed=options.seed, steps=options.steps, minutes=options.minutes, device=options.device,
                memory_gb=options.memory_gb, variant=options.name, start_from=options.start_from,
            )  # fmt: skip
            train(job, data, options.out, lambda line: print(line, flush=True), lambda: bool(asked_to_stop))
    except Stopped as stopped:
        print(stopped, flush=True)
        return STOPPED
    except (ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes docs/experiments.md and its figures from finished runs.

    python3 -m experiments.report --runs RUNS

The report names missing runs. All numbers in it come from the runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import textwrap
from pathlib import Path

import torch

from spineline_training.bundle import describe
from spineline_training.config import FOLDS
from spineline_training.models import build_model

from .design import HEAD_TASKS, HEADS, RECORD, RECORD_SCHEMA, VARIANTS
from .plots import plot_comparisons, plot_curve, plot_heads
from .results import MARGINS, RATES, Claim, Comparison, Curve, Results, Run, results
from .statistics import SAMPLES, Estimate, over_folds

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "experiments.md"

#: The slide deck's figures on the challenge's data: (a) the T2 stack, in percent (docs/pipeline.md, "Level slices");
#: (b) SCS, fold by fold (docs/pipeline.md, "Training-only rules").
SLIDES_HEADS = {"cls": (71.08, 27.04, 1.43, 0.44), "reg": (67.48, 30.59, 1.61, 0.31)}
SLIDES_AUX = ((0.254, 0.240), (0.283, 0.254), (0.267, 0.254), (0.264, 0.252), (0.244, 0.261))

_NAMES = {
    "b": "(b) without the slice loss",
    "c": "(c) without slice shift",
    "d": "(d) three slices as channels",
    "e": "(e) one encoder for both views",
}
_MINUS = "\N{MINUS SIGN}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="experiments.report", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", required=True, type=Path, help="folder of the runs of experiments.run")
    parser.add_argument("--head-runs", type=Path, help="folder of stage-1 runs of both heads (default: --runs)")
    parser.add_argument("--out", type=Path, default=DOCUMENT, help="document to write (default docs/experiments.md)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (default 0)")
    options = parser.parse_args(arguments)
    try:
        found = results(options.runs, options.head_runs or options.runs, options.seed)
        write(found, _record(options.runs), options.out)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for claim in found.claims():
        print(f"({claim.letter}) {claim.text}: {claim.verdict}")
    return 0


def _record(runs: Path) -> dict | None:
    file = runs / RECORD
    if not file.exists():
        return None
    record = json.loads(file.read_text())
    if record.get("schema") != RECORD_SCHEMA:
        raise ValueError(f"{file} has the schema {record.get('schema')}, expected {RECORD_SCHEMA}")
    return record


def write(found: Results, record: dict | None, out: Path) -> None:
    """Write the document `out`, and its figures into a folder of the same name next to it; old figures are deleted."""
    pictures = out.with_suffix("")
    for name in ("heads", "differences", "slice-error"):
        (pictures / f"{name}.png").unlink(missing_ok=True)
    text = "\n\n".join([
        _introduction(found),
        _what_was_run(found, record),
        _about_heads(found, pictures),
        _about_aux(found.comparisons["b"]),
        _about_shift(found.comparisons["c"], found.curve, pictures),
        _about_others(found, pictures),
        _AGAIN,
    ])  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n\n".join(_filled(one) for one in text.split("\n\n")) + "\n")


def _filled(block: str) -> str:
    """Wrap paragraphs; leave tables, pictures, headings and commands unchanged."""
    if block.startswith(("|", "!", "#", "```")):
        return block
    return textwrap.fill(" ".join(block.split()), 120, break_long_words=False, break_on_hyphens=False)


def _introduction(found: Results) -> str:
    rows = [
        (
            f"({one.letter})", one.text, _gain(one), _interval(one),
            f"{one.agreeing} of {len(one.gain.folds)}" if one.gain else "",
            f"**{one.verdict}**" if one.gain else one.verdict,
        )
        for one in found.claims()
    ]
    exact, off3 = (f"{100 * MARGINS[one]:g}" for one in ("exact", "off3"))
    return f"""# The slide deck's claims, tried on phantoms

`python3 -m experiments.report` writes this page from finished runs. Do not edit it by hand.

The slide deck of the method ([pipeline.md](pipeline.md), "How to read this page") compares some of its parts on the
challenge's data. This page repeats the comparisons with small models on synthetic phantoms. It shows whether an effect
exists and in which direction, not how large it is in patients. A claim that is not reproduced here may hold there, and
the other way round.

{_table(("", "claim", "gain", "95 % interval", "folds", "verdict"), rows)}

A positive gain supports the claim. Its unit is percentage points of slices, or weighted log loss. **Reproduced**: the
whole interval supports the claim. **Contradicted**: the whole interval is against it. **Not reproduced**: the
interval contains 0. Claims of "no less" or "no more" are reproduced if the interval excludes a loss of more than
{exact} points of exact slices, or {off3} points of slices off by 3 or more. *Folds* is the number of folds that
support the claim alone.

Intervals are percentiles of a paired bootstrap with {SAMPLES:,} draws over held-out studies; the models of its own fold
answer each study. They cover the choice of studies, not the chance in training. The differences of single folds, below,
contain both."""


def _what_was_run(found: Results, record: dict | None) -> str:
    rows = []
    if record:
        digests = "".join(one["digest"] for one in record["datasets"])
        rows += [
            ("studies", f"{record['studies']:,}"),
            ("data", ", ".join(dict.fromkeys(f"`{one.get('name') or 'unnamed'}`" for one in record["datasets"]))),
            ("digest of the data's digests", f"`{hashlib.sha256(digests.encode()).hexdigest()[:16]}`"),
            ("seed", str(record["seed"])),
            ("started", record["started"]),
            ("commit", ", ".join(f"`{one}`" for one in record["commits"])),
        ]
    done = [one for one in found.comparisons.values() if one.run]
    if done:
        rows.append(("severity, baseline", _trained(done[0].run, max(len(one.folds) for one in done))))
    for one in found.heads.values():
        for head, run in one.runs.items():
            rows.append((f"{one.task.upper()} slices, `{head}`", _trained(run, len(one.folds))))
    table = _table(("", ""), rows) if rows else "Nothing yet: no run is finished."
    variants = [(f"`{name}`", f"`{' '.join(settings)}`" if settings else "") for name, settings in VARIANTS.items()]
    return f"""## What was run

{table}

The severity model of (b) to (e) reads SCS crops. Its baseline is small (`training/experiments/experiment.json`), and
otherwise follows [pipeline.md](pipeline.md), "Severities" and "Training-only rules": five slices per view, bi-LSTM,
attention pooling, sub-heads, the slice loss, slice shift, and one encoder per view. Each variant is the baseline with
one setting changed:

{_table(("variant", "setting"), variants)}

All variants of a fold have the same seed, the same samples in the same order, the same number of steps, and the same
initial weights where the models are equal. The same number of steps does not mean the same time: three slices as
channels are one image to encode, five separate slices are five. After few passes a variant that only learns more
slowly also looks worse, so the verdicts hold for this budget only. The heads of (a) are models of
`training/configs/nano.json`, like those of the demo bundle, each trained on the same folds. A fold is a fifth of the
studies, chosen by a hash of the id; it counts if both of its runs are finished."""


def _trained(run: Run, folds: int) -> str:
    """Describe a model and its budget."""
    with torch.random.fork_rng():
        model = build_model(run.asked["task"], run.model)
    parameters = sum(one.numel() for one in model.parameters())
    pool = run.model.pre_pool[1] if run.asked["stage"] == 1 else run.model.encoder.pre_pool
    return (
        f"{describe(run.model, 'small', parameters)}, images pooled {pool} x {pool}; {_plural(folds, 'fold')}, "
        f"{run.steps:,} steps of {run.recipe.batch} samples, {run.epochs:.1f} passes"
    )


def _about_heads(found: Results, pictures: Path) -> str:
    lines, missing = ["## (a) Two heads and their median"], []
    done = [one for one in found.heads.values() if one.folds]
    rows = [(f"slide deck, T2: `{head}`", *(f"{one:.2f}" for one in SLIDES_HEADS[head])) for head in HEADS]
    for task in HEAD_TASKS:
        one = found.heads[task]
        if not one.folds:
            missing.append(_missing(f"Both heads of {task.upper()} on one fold"))
            continue
        for name, rates in one.rates.items():
            label = "median" if name == "median" else f"`{name}`"
            rows.append((f"{task.upper()}: {label}", *(_percent(rates[which]) for which in RATES)))
    header = ("% of labelled slices [95 % interval]", "exact", "off by 1", "off by 2", "off by 3 or more")
    lines += [_table(header, rows), *missing]
    if done:
        plot_heads(done, pictures / "heads.png")
        lines.append(f"![Rates of slice errors of the heads and their median]({pictures.name}/heads.png)")
        lines += [
            f"{one.task.upper()}: {one.outputs:,} labelled slices of {one.studies:,} held-out studies, "
            f"{_folds(one.folds)}."
            for one in done
        ]
    lines.append(
        "The median of two heads is their mean, rounded half up, as in the workers: `cls` answers a whole slice, `reg` "
        "a fraction. In the figure a rate of zero is drawn as half a slice."
    )
    return "\n\n".join(lines)


def _about_aux(one: Comparison) -> str:
    slides = [
        (f"fold {fold}", f"{without:.3f}", f"{with_aux:.3f}", _signed(without - with_aux, 3))
        for fold, (without, with_aux) in enumerate(SLIDES_AUX)
    ]
    means = [sum(pair[i] for pair in SLIDES_AUX) / len(SLIDES_AUX) for i in (0, 1)]
    slides.append(("mean", f"{means[0]:.4f}", f"{means[1]:.4f}", _signed(means[0] - means[1])))
    mean = over_folds([without - with_aux for without, with_aux in SLIDES_AUX])
    return "\n\n".join(
        [
            "## (b) The slice loss",
            *_fold_table(one, "without `aux`", "with `aux`"),
            "The slide deck's table of the slice loss, on the challenge's data "
            '([pipeline.md](pipeline.md), "Training-only rules"):',
            _table(("", "without `aux`", "with `aux`", "gain"), slides),
            f"Its mean gain over the folds, with Student's interval, is {_estimate(mean)}.",
        ]
    )


def _about_shift(one: Comparison, curve: Curve, pictures: Path) -> str:
    lines = [
        "## (c) Slice shift",
        "Both views of a held-out sample are cut 0 to 3 slices away from the labelled one, in both directions. In "
        "training the slice is shifted by 1 in 30 % of the samples and by 2 in 5 %, never by 3.",
    ]
    if curve.folds:
        rows = [
            (str(size), _estimate(without), _estimate(with_shift), _estimate(gain, signed=True))
            for size, with_shift, without, gain in zip(curve.sizes, curve.baseline, curve.variant, curve.gains)
        ]
        header = ("slice error", "log loss without shift [95 % interval]", "with shift", "gain")
        plot_curve(curve, pictures / "slice-error.png")
        lines += [
            _table(header, rows),
            f"![Log loss over the injected slice error]({pictures.name}/slice-error.png)",
            f"{_folds(curve.folds).capitalize()}. The claim is about the mean over errors 1 to 3; it claims no "
            "gain at error 0.",
        ]
    else:
        lines.append(_missing("The evaluations of both runs of a fold at injected slice errors"))
    lines += ["Without an injected error, fold by fold:", *_fold_table(one, "without shift", "with shift")]
    return "\n\n".join(lines)


def _about_others(found: Results, pictures: Path) -> str:
    done = [found.comparisons[one] for one in ("b", "d", "e") if found.comparisons[one].folds]
    lines = [
        "## (d) Three channels against 2.5D with attention",
        *_fold_table(found.comparisons["d"], "three channels", "2.5D"),
        "## (e) One encoder against two",
        *_fold_table(found.comparisons["e"], "one encoder", "two encoders"),
        "The slide deck has no figures for (c), (d) and (e).",
    ]
    if done:
        plot_comparisons(done, _NAMES, pictures / "differences.png")
        lines += [
            "## (b), (d) and (e) in one figure",
            f"![Differences of log loss, pooled and by fold]({pictures.name}/differences.png)",
        ]
    return "\n\n".join(lines)


def _fold_table(one: Comparison, variant: str, baseline: str) -> list[str]:
    if not one.folds:
        return [_missing(f"The runs `baseline` and `{one.variant}` of a fold")]
    rows = [
        (f"fold {fold}", f"{theirs:.4f}", f"{ours:.4f}", _signed(theirs - ours), f"{shares:.4f}")
        for fold, (ours, theirs, shares) in one.folds.items()
    ]
    ours, theirs, shares = one.pooled
    rows.append(("all studies", f"{theirs:.4f}", f"{ours:.4f}", _estimate(one.gain, signed=True), f"{shares:.4f}"))
    text = f"{one.samples:,} samples of {one.studies:,} studies."
    if mean := over_folds(one.gain.folds):
        text += f" The mean gain over the folds, with Student's interval, is {_estimate(mean, signed=True)}."
    return [_table(("weighted log loss", variant, baseline, "gain", "class shares"), rows), text]


_AGAIN = """## Running it again

Run these in `training/`, with data from `node scripts/phantom-training-data.ts --out DATA`. `--only b,c` trains a part,
`--folds 2` only the first two folds, `--steps` and `--head-steps` set the budgets. Finished runs are skipped.

```sh
python3 -m experiments.run --data DATA/* --out RUNS --minutes 4 --head-minutes 8
python3 -m experiments.report --runs RUNS
```"""


def _missing(what: str) -> str:
    return f"{what} are missing: not run, or not finished."


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(one) + " |" for one in lines)


def _gain(claim: Claim) -> str:
    if claim.gain is None:
        return ""
    if claim.unit == "points":
        return f"{_signed(100 * claim.gain.value, 2)} points"
    return _signed(claim.gain.value)


def _interval(claim: Claim) -> str:
    if claim.gain is None:
        return ""
    scale, digits = (100, 2) if claim.unit == "points" else (1, 4)
    return f"{_signed(scale * claim.gain.low, digits)} to {_signed(scale * claim.gain.high, digits)}"


def _signed(value: float, digits: int = 4) -> str:
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return f"{'+' if value > 0 else _MINUS}{text}"


def _estimate(one: Estimate, signed: bool = False) -> str:
    show = _signed if signed or one.low < 0 else "{:.4f}".format
    return f"{show(one.value)} [{show(one.low)}, {show(one.high)}]"


def _percent(one: Estimate) -> str:
    return f"{100 * one.value:.2f} [{100 * one.low:.2f}, {100 * one.high:.2f}]"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _folds(folds: list[int]) -> str:
    if len(folds) == FOLDS:
        return "all five folds"
    return f"{'fold' if len(folds) == 1 else 'folds'} {', '.join(map(str, folds))} only"


if __name__ == "__main__":
    sys.exit(main())

"""The experiments: statistics checked by hand, a report of made-up predictions, and a run from start to report."""

import dataclasses
import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from conftest import CONFIGS
from synthetic import write_prepared

from experiments import report, run, slice_error
from experiments.design import CONFIG, SLICE_ERRORS, VARIANTS, head_run, severity_run
from experiments.results import comparison, curve, heads
from experiments.statistics import (
    CONTRADICTED,
    NOT_REPRODUCED,
    REPRODUCED,
    Bootstrap,
    Estimate,
    over_folds,
    slice_errors,
    study_totals,
    verdict,
    weighted_losses,
)
from spineline_training import train as training
from spineline_training.augment import make_batch
from spineline_training.config import EncoderConfig, SeverityConfig, load_config
from spineline_training.data import Prepared, samples_of
from spineline_training.export import member_model
from spineline_training.models import build_model
from spineline_training.onnx_io import export_onnx
from spineline_training.patterns import example_inputs
from spineline_training.job import job_of

ROOT = CONFIGS.parent.parent
TINY = EncoderConfig(family="efficientnet_v2", pre_pool=8, blocks=(("fused", 1, 3, 2, 8, 8, 1),), last_channel=8)


# Statistics, by hand


def test_samples_are_weighted_as_in_the_challenge():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3]])
    weight, loss = weighted_losses(probabilities, np.array([0, 2, 1]))
    assert weight.tolist() == [1, 4, 2]
    assert loss == pytest.approx([np.log(2), 4 * np.log(1 / 0.3), 2 * np.log(2)])


def test_totals_are_of_studies():
    study = np.array(["b", "a", "b", "c"])
    assert study_totals(study, np.array([1, 2, 3, 4]), np.ones(4)).tolist() == [[2, 1], [4, 2], [4, 1]]


def test_a_difference_that_all_studies_share_has_no_width():
    totals = np.stack([np.arange(1.0, 31), 0.25 * np.arange(1.0, 31)], axis=1)
    gain = Bootstrap([totals[:10], totals[10:]], samples=500).gain(lambda sums: sums[..., 1] / sums[..., 0])
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.25, 0.25, 0.25))
    assert gain.folds == pytest.approx((0.25, 0.25))


def test_studies_are_drawn_not_samples():
    # Two studies of a thousand samples that disagree: two studies give no certainty, for any number of samples.
    totals = study_totals(np.repeat(["a", "b"], 1000), np.ones(2000), np.repeat([1.0, -1.0], 1000))
    draws = Bootstrap([totals], samples=4000)
    one = draws.estimate(lambda sums: sums[..., 1] / sums[..., 0])
    assert (one.value, one.low, one.high) == (0, -1, 1)
    assert np.mean(draws.drawn[:, 1] == 0) == pytest.approx(0.5, abs=0.03)
    assert (draws.drawn[:, 0] == 2000).all()


def test_the_interval_of_a_mean_is_the_textbook_one_and_the_seed_fixes_it():
    values = np.random.default_rng(5).normal(1, 2, 400)
    totals = np.stack([np.ones(400), values], axis=1)

    def mean(sums):
        return sums[..., 1] / sums[..., 0]

    one = Bootstrap([totals], seed=1).estimate(mean)
    half = 1.96 * values.std(ddof=1) / 20
    assert (one.low, one.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert Bootstrap([totals], seed=1).estimate(mean) == one != Bootstrap([totals], seed=2).estimate(mean)


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (0.01, 0.02, None, REPRODUCED),
        (-0.01, 0.02, None, NOT_REPRODUCED),
        (0, 0.02, None, NOT_REPRODUCED),
        (-0.02, -0.01, None, CONTRADICTED),
        (-0.004, 0.02, 0.005, REPRODUCED),
        (-0.006, 0.02, 0.005, NOT_REPRODUCED),
        # Certainly worse, if only a little: that is not "no worse".
        (-0.004, -0.001, 0.005, CONTRADICTED),
    ],
)
def test_verdicts(low, high, margin, expected):
    assert verdict(Estimate((low + high) / 2, low, high), margin) == expected


def test_the_slides_own_folds():
    # Gains 14, 29, 13, 12 and -17 thousandths: mean 10.2, deviation 16.75, 2.776 * 16.75 / sqrt(5) = 20.8.
    one = over_folds([without - with_aux for without, with_aux in report.SLIDES_AUX])
    assert (one.value, one.low, one.high) == pytest.approx((0.0102, -0.0106, 0.0310), abs=1e-4)
    assert over_folds([0.1]) is None


def test_slices_are_rounded_half_up_within_the_series():
    z = np.array([[2.5, 2.49, -3.0, 19.7, 4.0]])
    target = np.array([[3.0, 3.0, 0.0, 17.0, np.nan]])
    assert slice_errors(z, target, np.array([18]))[0, :4].tolist() == [0, 1, 0, 0]
    assert np.isnan(slice_errors(z, target, np.array([18]))[0, 4])


# Made-up runs


def write_run(folder, job, **predictions):
    folder.mkdir(parents=True)
    plan = {"asked": {**job.asked(), "data": ["d"]}, "steps": job.steps, "epochs": 1.5}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "metrics.json").write_text("{}")
    np.savez(folder / "oof.npz", **predictions)


def write_severity_run(runs, variant, fold, own, steps=10):
    """A run that gives the true class of every sample the probability `own` [N], at every slice error."""
    job = job_of(load_config(CONFIG), 3, "scs", "severity", fold, VARIANTS[variant], steps=steps, variant=variant)
    samples = len(own)
    label = np.arange(samples) % 3
    probabilities = np.tile((1 - own[:, None]) / 2, (1, 3))
    probabilities[np.arange(samples), label] = own
    rest = {
        "study": np.array([f"f{fold}-{one // 5}" for one in range(samples)]),
        "row": np.arange(samples) % 5,
        "label": label,
    }
    folder = runs / severity_run(variant, fold)
    write_run(folder, job, probabilities=probabilities, baseline=np.full((samples, 3), 1 / 3), **rest)
    errors = np.array(SLICE_ERRORS)
    everywhere = np.tile(probabilities, (len(errors), 1, 1))
    np.savez(folder / slice_error.FILE, errors=errors, probabilities=everywhere, **rest)


def write_heads(runs, fold, cls, reg, target):
    """Runs of both heads that find the slices `cls` and `reg` [N, 5] of stacks of 18."""
    for head, z in (("cls", cls), ("reg", reg)):
        job = job_of(load_config(CONFIGS / "nano.json"), 1, "scs", head, fold, steps=10)
        points = np.stack([np.full_like(z, np.nan), np.full_like(z, np.nan), z], axis=2)
        labels = np.stack([np.full_like(target, 0.5), np.full_like(target, 0.5), target], axis=2)
        study = np.array([f"f{fold}-{one}" for one in range(len(z))])
        write_run(
            runs / head_run("scs", head, fold), job, study=study, row=np.zeros(len(z), int), found=points,
            target=labels, slices=np.full(len(z), 18),
        )  # fmt: skip


def test_the_report_of_made_up_runs(tmp_path, capsys):
    runs, out = tmp_path / "runs", tmp_path / "docs" / "experiments.md"
    for fold in range(2):
        spread = 0.02 * np.random.default_rng(fold).standard_normal(60)
        for variant, own in (("baseline", 0.6), ("no-aux", 0.5), ("three-channels", 0.7), ("no-shift", 0.6)):
            # Without shift every second study is answered better, and the others worse by the same amount.
            other = 0.05 * (-1.0) ** (np.arange(60) // 5) if variant == "no-shift" else 0
            write_severity_run(runs, variant, fold, own + spread + other)
    # Every fourth output off by one (cls), by one half too much (reg); the median is then right.
    target = np.full((20, 5), 8.0)
    cls = np.where(np.arange(100).reshape(20, 5) % 4 == 0, 9.0, 8.0)
    write_heads(runs, 1, cls, np.where(cls == 9, 7.4, 8.4), target)
    (runs / "experiments.json").write_text(
        json.dumps(
            {
                "schema": "spineline.experiments/1", "started": "2026-01-02", "commits": ["abc"], "seed": 0,
                "studies": 24, "datasets": [{"digest": "d", "name": "made-up"}],
            }
        )
    )  # fmt: skip
    assert report.main(["--runs", str(runs), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "(b) The slice loss (`aux`) lowers the log loss: reproduced" in said
    assert "(c) Slice shift in training lowers the log loss at slice errors of 1 to 3: not reproduced" in said
    assert "lower log loss than three slices as channels: contradicted" in said
    assert "one for both: not run" in said and "NFN: `cls` finds the exact slice more often than `reg`: not run" in said
    text = out.read_text()
    assert "`made-up`" in text and "2026-01-02" in text and "2 folds, 10 steps of 16 samples" in text
    assert "The runs `baseline` and `shared-encoder` of a fold are missing" in text
    assert "| SCS: `cls` | 75.00 [" in text and "| SCS: median | 100.00 [100.00, 100.00] |" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120
    for name in ("heads", "differences", "slice-error"):
        picture = out.parent / "experiments" / f"{name}.png"
        assert f"](experiments/{name}.png)" in text
        assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size < 60_000
    # The figures, computed by hand.
    one = comparison(runs, "b")
    label = np.arange(60) % 3
    for fold, (ours, theirs, shares) in one.folds.items():
        spread = 0.02 * np.random.default_rng(fold).standard_normal(60)
        expected = [-np.average(np.log(own + spread), weights=2.0**label) for own in (0.6, 0.5)]
        assert (ours, theirs, shares) == pytest.approx((*expected, np.log(3)))
    assert one.samples == 120 and one.studies == 24 and one.gain.low > 0
    both = curve(runs)
    assert both.sizes == [0, 1, 2, 3] and both.folds == [0, 1]
    assert both.baseline[3].value == pytest.approx(comparison(runs, "c").pooled[0])
    again = heads(runs, "scs")
    exact = {name: rates["exact"].value for name, rates in again.rates.items()}
    assert exact == {"cls": 0.75, "reg": 0.75, "median": 1}
    assert again.gains["median exact"].value == 0.25 and again.studies == 20 and again.outputs == 100


def test_the_report_of_nothing_says_so(tmp_path):
    out = tmp_path / "experiments.md"
    assert report.main(["--runs", str(tmp_path), "--out", str(out)]) == 0
    text = out.read_text()
    assert "no run is finished" in text and text.count("not run |") == 12 and "reproduced |" not in text
    assert [one.name for one in tmp_path.iterdir()] == ["experiments.md"]


def test_runs_that_differ_in_more_than_the_variant_are_refused(tmp_path, capsys):
    write_severity_run(tmp_path, "baseline", 0, np.full(10, 0.6))
    write_severity_run(tmp_path, "no-aux", 0, np.full(10, 0.5), steps=11)
    with pytest.raises(ValueError, match="no-aux.*differs in steps"):
        comparison(tmp_path, "b")
    assert report.main(["--runs", str(tmp_path), "--out", str(tmp_path / "out.md")]) == 1
    assert "differs in steps" in capsys.readouterr().err
    plan = tmp_path / severity_run("no-aux", 0) / "plan.json"
    content = json.loads(plan.read_text())
    content["steps"] = 10
    content["asked"]["recipe"]["lr"] = 0.5
    plan.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="differs in recipe"):
        comparison(tmp_path, "b")


# From data to a report


@pytest.fixture(scope="module")
def roomy(tmp_path_factory):
    """Twelve studies with room for slice errors of three."""
    return write_prepared(tmp_path_factory.mktemp("roomy") / "blobs", studies=12, shard=6, room_slices=3)


@pytest.fixture
def here(monkeypatch):
    """Run processes in this interpreter, one after the other, to save time; no figures."""
    monkeypatch.setattr(training, "plot_log", lambda log, picture, title: None)
    monkeypatch.setattr(training.signal, "signal", lambda *rest: None)
    ran = []

    def run_all(processes, out, at_a_time):
        for one in processes:
            if not one.done.exists():
                main = {"spineline_training.train": training.main, "experiments.slice_error": slice_error.main}
                assert main[one.command[2]](one.command[3:]) == 0
                ran.append(one.name)
        return [one.name for one in processes if not one.done.exists()]

    monkeypatch.setattr(run, "run_all", run_all)
    return ran


def test_from_prepared_data_to_a_report(tmp_path, roomy, here, capsys):
    content = json.loads(CONFIG.read_text())
    content["stage3"]["models"]["severity"] |= {"lstm_hidden": 4, "encoder": dataclasses.asdict(TINY)}
    content["stage3"]["training"] |= {"batch": 4, "validations": 1}
    config, runs, out = tmp_path / "tiny.json", tmp_path / "runs", tmp_path / "experiments.md"
    config.write_text(json.dumps(content))
    asked = ["--data", str(roomy), "--out", str(runs), "--config", str(config), "--folds", "2"]
    assert run.main([*asked, "--only", "c,d", "--minutes", "0.001"]) == 0
    names = [severity_run(variant, fold) for fold in (0, 1) for variant in ("baseline", "no-shift", "three-channels")]
    # If the minutes allow only one step, the first run is finished when its budget is known.
    ran = here if names[0] in here else [names[0], *here]
    assert ran[:6] == names and len(ran) == 10
    budgets = {json.loads((runs / name / "metrics.json").read_text())["steps"] for name in names}
    assert len(budgets) == 1
    # Again: only new runs are trained, with the existing budget; another budget is refused.
    here.clear()
    assert run.main([*asked, "--only", "c,e"]) == 0
    assert here == [severity_run("shared-encoder", fold) for fold in (0, 1)]
    assert run.main([*asked, "--only", "b", "--steps", "1000"]) == 1
    assert "not 1000" in capsys.readouterr().err
    assert report.main(["--runs", str(runs), "--out", str(out)]) == 0
    text = out.read_text()
    assert "The runs `baseline` and `no-aux` of a fold are missing" in text and "Folds 0, 1 only" in text
    # No injected error: the evaluation of the curve is that of the training.
    whole, other = (np.load(runs / names[0] / file) for file in ("oof.npz", slice_error.FILE))
    assert np.array_equal(whole["study"], other["study"])
    assert other["probabilities"][3] == pytest.approx(whole["probabilities"], abs=1e-5)
    assert not np.allclose(other["probabilities"][0], whole["probabilities"], atol=1e-5)


def test_variants_start_alike_and_see_the_same_samples(tmp_path, roomy, here):
    """One step at a learning rate of zero: the weights are those of the start."""
    data, kept = Prepared([roomy]), []
    for variant in ("baseline", "no-aux", "no-shift"):
        settings = [*VARIANTS[variant], "lr=0", "batch=2", "validations=1"]
        job = job_of(load_config(CONFIG), 3, "scs", "severity", 0, settings, steps=1, variant=variant)
        training.train(job, data, tmp_path, lambda line: None)
        state = torch.load(tmp_path / severity_run(variant, 0) / "model.pt")["model"]
        kept.append({name: value for name, value in state.items() if "running" not in name})
    assert all(torch.equal(value, other[name]) for other in kept[1:] for name, value in kept[0].items())


def test_slice_errors_move_along_the_series_as_far_as_there_is_room(prepared, roomy):
    samples, index = samples_of(Prepared([roomy]), 3, "scs"), np.array([0, 5])
    straight, off = (make_batch(samples, index, slice_error=error).inputs for error in (0, 2))
    for first, second in zip(straight, off):
        assert torch.equal(first[:, 2:], second[:, :3])
    with pytest.raises(ValueError, match="--crop-room-slices 3 or more, found 2"):
        make_batch(samples_of(prepared, 3, "scs"), index, slice_error=-3)


def test_data_without_room_for_the_curve_are_refused(tmp_path, prepared_folder, capsys):
    assert run.main(["--data", str(prepared_folder), "--out", str(tmp_path / "runs"), "--steps", "1"]) == 1
    assert "prepare with --crop-room-slices 3 (found 2)" in capsys.readouterr().err


# Three slices as channels


def test_three_slices_as_channels_read_the_middle_ones_and_have_no_sequence():
    model = build_model("scs", SeverityConfig(encoder=TINY, slices_as="channels"))
    names = {name.split(".")[0] for name in model.state_dict()}
    assert names == {"encoders", "sub_heads", "head"}
    inputs = [torch.rand(2, 5, 64, 64) for _ in model.inputs]
    outputs = model(*inputs)
    assert set(outputs["sub"]) == {"sagittal", "axial"} and outputs["aux"] == {}
    model.eval()
    outer = [one.clone() for one in inputs]
    for one in outer:
        one[:, [0, 4]] = 0
    middle = [one.clone() for one in inputs]
    middle[0][:, 1] = 0
    with torch.no_grad():
        whole = model(*inputs)["logits"]
        assert torch.equal(model(*outer)["logits"], whole)
        assert not torch.equal(model(*middle)["logits"], whole)
    with pytest.raises(ValueError, match="three slices"):
        SeverityConfig(encoder=TINY, slices=2, slices_as="channels")


NODE = shutil.which("node", path=str(ROOT / "node_modules" / ".bin")) or shutil.which("node")
_RUNTIME = """
const { InferenceSession, Tensor } = require('onnxruntime-node');
const { readFileSync } = require('node:fs');
const { file, inputs } = JSON.parse(process.argv[1]);
const read = ([name, { path, shape }]) => {
  const bytes = readFileSync(path);
  return [name, new Tensor('float32', new Float32Array(new Uint8Array(bytes).buffer), shape)];
};
InferenceSession.create(file)
  .then((session) => session.run(Object.fromEntries(Object.entries(inputs).map(read))))
  .then(({ logits }) => console.log(JSON.stringify([...logits.data])));
"""


@pytest.mark.skipif(
    NODE is None or not (ROOT / "node_modules" / "onnxruntime-node").exists(), reason="needs onnxruntime-node"
)
@pytest.mark.parametrize("batch", [1, 5])
def test_three_slices_as_channels_compute_the_same_in_onnxruntime(tmp_path, batch):
    config = SeverityConfig(encoder=TINY, slices_as="channels")
    model = member_model(3, "scs", "one", config, seed=1)
    file = tmp_path / "one.onnx"
    export_onnx(3, "scs", config, model, file)
    inputs, named = example_inputs(config, model, batch), {}
    for name, value in inputs.items():
        value.numpy().tofile(tmp_path / name)
        named[name] = {"path": str(tmp_path / name), "shape": list(value.shape)}
    with torch.no_grad():
        expected = model(*inputs.values())["logits"].flatten()
    argument = json.dumps({"file": str(file), "inputs": named})
    answer = subprocess.run([NODE, "-e", _RUNTIME, argument], cwd=ROOT, check=True, capture_output=True, text=True)
    assert json.loads(answer.stdout) == pytest.approx(expected.tolist(), abs=1e-4)

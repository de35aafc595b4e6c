"""From a prepared folder to bundles: every model trains, runs are reproducible and can be resumed."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from conftest import CONFIGS

from spineline_training import train_all
from spineline_training.config import (
    ConvNeXt3dConfig,
    EncoderConfig,
    SeverityConfig,
    TrainingConfig,
    XyConfig,
    load_config,
)
from spineline_training.export import main as export
from spineline_training.models import build_model, take_pooled
from spineline_training.onnx_io import load_onnx
from spineline_training.job import Job, job_of, run_name, with_settings
from spineline_training.train import Stopped, main, train

EFFNET = EncoderConfig(
    family="efficientnet_v2", pre_pool=8, blocks=(("fused", 1, 3, 2, 8, 8, 1),), last_channel=8, drop_path=0.2
)
RECIPE = TrainingConfig(batch=4, lr=1e-2, ema=0.9, validations=2)
TINY = {
    1: ("scs", ConvNeXt3dConfig(
        head="cls", pre_pool=(1, 16, 16), stem=(2, 2, 2), depths=(1, 1), widths=(4, 8), kernel=(1, 3, 3),
        downsample=((1, 2, 2),), pooling="heatmap", depthwise="by-depth", drop_path=0.2,
    )),
    2: ("ss", XyConfig(encoder=EFFNET, pooling="soft-argmax", pyramid=8, stride=32)),
    3: ("nfn", SeverityConfig(encoder=EFFNET, lstm_hidden=4, dropout=0.2)),
}  # fmt: skip


def tiny(stage, **rest):
    task, model = TINY[stage]
    return Job(stage, task, "tiny", 1, model, RECIPE, **{"steps": 6, **rest})


def quiet(line):
    pass


class Stop:
    """Asks to stop after so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self):
        self.steps -= 1
        return self.steps == 0


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave out log.png, which takes longer than some steps of a small model; one test checks it."""
    monkeypatch.setattr("spineline_training.train.plot_log", lambda log, picture, title: None)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stopped_and_resumed_run_ends_with_the_same_weights(tmp_path, prepared, stage, no_pictures):
    whole = train(tiny(stage), prepared, tmp_path / "whole", quiet)
    with pytest.raises(Stopped, match="step 4 of 6"):
        train(tiny(stage), prepared, tmp_path / "halves", quiet, Stop(4))
    halves = train(tiny(stage), prepared, tmp_path / "halves", quiet)
    again = train(tiny(stage, seed=1), prepared, tmp_path / "other", quiet)
    assert halves == whole
    assert again["digest"] != whole["digest"]
    name = tiny(stage).name
    logs = [
        [json.loads(line) for line in (tmp_path / run / name / "log.jsonl").read_text().splitlines()]
        for run in ("whole", "halves")
    ]
    for log in logs:
        for entry in log:
            entry.pop("secondsPerStep", None)
    assert logs[0] == logs[1]


def test_the_same_seed_gives_the_same_weights(tmp_path, prepared, no_pictures):
    first, second = (train(tiny(3), prepared, tmp_path / out, quiet)["digest"] for out in ("a", "b"))
    assert first == second


def test_a_finished_run_is_left_alone_and_another_recipe_is_refused(tmp_path, prepared, no_pictures):
    first = train(tiny(3), prepared, tmp_path, quiet)
    content = (tmp_path / tiny(3).name / "model.pt").read_bytes()
    assert train(tiny(3), prepared, tmp_path, quiet) == first
    assert (tmp_path / tiny(3).name / "model.pt").read_bytes() == content
    other = dataclasses.replace(tiny(3), recipe=dataclasses.replace(RECIPE, lr=1e-3))
    with pytest.raises(ValueError, match="another recipe"):
        train(other, prepared, tmp_path, quiet)


def test_minutes_become_steps_that_a_resumed_run_keeps(tmp_path, prepared, no_pictures):
    job = tiny(3, steps=None, minutes=0.01)
    with pytest.raises(Stopped):
        train(job, prepared, tmp_path, quiet, Stop(1))
    plan = json.loads((tmp_path / job.name / "plan.json").read_text())
    assert plan["steps"] == pytest.approx(0.6 / plan["secondsPerStep"], abs=1)
    assert train(job, prepared, tmp_path, quiet)["steps"] == plan["steps"]


def test_the_run_folder_holds_what_was_promised(tmp_path, prepared):
    result = train(tiny(2), prepared, tmp_path, quiet)
    folder = tmp_path / tiny(2).name
    held_out = np.load(folder / "oof.npz")
    assert len(held_out["study"]) == len(held_out["output"]) == result["heldOut"]
    distance = np.linalg.norm((held_out["output"] - held_out["target"]) * 512, axis=2)
    assert result["metrics"]["median"] == pytest.approx(np.nanmedian(distance), rel=1e-5)
    assert (folder / "log.png").read_bytes()[:4] == b"\x89PNG"
    content = torch.load(folder / "model.pt")
    assert content["digest"] == result["digest"] and content["data"]["studies"] == 10
    assert not (folder / "checkpoint.pt").exists()


def test_training_learns(tmp_path, prepared, no_pictures):
    blocks = (("fused", 1, 3, 2, 8, 16, 1), ("fused", 2, 3, 2, 16, 16, 1))
    encoder = EncoderConfig(family="efficientnet_v2", pre_pool=4, blocks=blocks, last_channel=32)
    recipe = TrainingConfig(batch=16, lr=3e-2, ema=0.9, validations=1)
    job = Job(3, "ss", "tiny", 1, SeverityConfig(encoder=encoder, lstm_hidden=8), recipe, steps=80)
    metrics = train(job, prepared, tmp_path, quiet)["metrics"]
    # A third each scores 1.1; the class shares of so few studies score worse.
    assert metrics["log_loss"] < 0.5 and metrics["baseline"] > 0.7


def test_a_pooled_input_gives_the_output_of_the_whole_one(nano):
    for stage, shape in ((1, (1, 1, 32, 384, 384)), (2, (1, 3, 512, 512)), (3, (1, 5, 256, 256))):
        config = next(iter(nano.stages[stage].models.values()))
        model = build_model("ss" if stage > 1 else "scs", config).eval()
        image = torch.rand(shape)
        pooled = torch.nn.functional.avg_pool3d(image, (1, 2, 2))
        with torch.no_grad():
            whole = model(image)[model.output]
            assert torch.allclose(take_pooled(model, 2)(pooled)[model.output], whole, atol=1e-5)
        with pytest.raises(ValueError, match="pre_pool"):
            take_pooled(model, 8)


def test_settings_change_recipe_and_model_and_a_misspelt_one_is_an_error(nano):
    model, recipe = nano.stages[3].models["convnext"], nano.stages[3].recipes["scs", "convnext"]
    changed, other = with_settings(model, recipe, 3, ["model.encoders=shared", "aux_weight=0", "augment.rotate=1.5"])
    assert changed == dataclasses.replace(model, encoders="shared")
    assert (other.aux_weight, other.augment.rotate, other.lr) == (0, 1.5, recipe.lr)
    for wrong in ("aux_wait=0", "model.encoder.pool=2", "lr"):
        with pytest.raises(ValueError, match=f"--set {wrong}"):
            with_settings(model, recipe, 3, [wrong])


def test_faults_are_one_line_and_a_status(tmp_path, capsys):
    arguments = ["--config", str(CONFIGS / "nano.json"), "--data", str(tmp_path), "--out", str(tmp_path / "runs")]
    assert main([*arguments, "--stage", "1", "--task", "scs", "--member", "cls"]) == 1
    assert "prepare.json is missing" in capsys.readouterr().err


def test_every_member_trains_and_the_runs_become_bundles(tmp_path, prepared, nano, capsys, no_pictures):
    """A step of every shipped model, from a prepared folder to bundles."""
    runs, out = tmp_path / "runs", tmp_path / "bundles"
    members = [(stage, task, name) for stage in (1, 2, 3) for task, name, _ in nano.members(stage)]
    for stage, task, name in members:
        settings = ["batch=2", "validations=1"]
        train(job_of(nano, stage, task, name, settings=settings, steps=1), prepared, runs, quiet)
    table = train_all.summary(nano, runs, [(*one, nano.stages[one[0]].folds[one[2]]) for one in members])
    assert "not finished" not in table and table.count("\n") == 3 + len(members) + 2
    export(["--config", str(CONFIGS / "nano.json"), "--runs", str(runs), "--out", str(out), "--commit", "c"])
    counts = prepared.class_counts()
    for stage in (1, 2, 3):
        manifest = json.loads((out / f"stage{stage}" / "bundle.json").read_text())
        assert manifest["trained"] is True and manifest["notice"].endswith("Trained on synthetic phantoms only.")
        assert "blobs" in manifest["origin"]["data"] and "(10 studies)" in manifest["origin"]["data"]
        metrics = manifest["origin"]["metrics"]
        for task, name, _ in nano.members(stage):
            run = runs / run_name(stage, task, name, nano.stages[stage].folds[name])
            result = json.loads((run / "metrics.json").read_text())
            assert metrics[f"{task}-{name}.weights"] == result["digest"]
            first = next(iter(result["metrics"]))
            assert metrics[f"{task}-{name}.{first}"] == pytest.approx(result["metrics"][first], rel=1e-4)
            state = torch.load(run / "model.pt")["model"]
            _, _, _, model = load_onnx(out / f"stage{stage}" / f"{task}-{name}.onnx")
            for key, value in model.named_parameters():
                if key.split(".")[0] not in model.training_only:
                    assert torch.equal(value, state[key])
        if stage == 3:
            shares = manifest["classShares"]["spinal_canal_stenosis"]["l4_l5"]
            own = counts["spinal_canal_stenosis"]["l4_l5"]
            assert shares == pytest.approx([one / sum(own) for one in own])


def test_a_bundle_needs_every_run_the_same_models_and_the_manifest_settings(tmp_path, prepared, nano, no_pictures):
    def exported(config, runs):
        return export(["--config", str(config), "--runs", str(runs), "--out", str(tmp_path / "out"), "--stage", "1"])

    with pytest.raises(ValueError, match="stage1-scs-cls-fold0 is not finished"):
        exported(CONFIGS / "nano.json", tmp_path)
    raw = json.loads((CONFIGS / "nano.json").read_text())
    for name in ("cls", "reg"):
        raw["stage1"]["models"][name] |= {"pre_pool": [1, 16, 16], "stem": [2, 2, 2], "widths": [4, 8]}
        raw["stage1"]["models"][name] |= {"depths": [1, 1], "kernel": [1, 3, 3]}
    small = tmp_path / "small.json"
    small.write_text(json.dumps(raw))
    config = load_config(small)
    for task, name, _ in config.members(1):
        train(job_of(config, 1, task, name, settings=["batch=2"], steps=1), prepared, tmp_path, quiet)
    exported(small, tmp_path)
    with pytest.raises(ValueError, match="another model configuration"):
        exported(CONFIGS / "nano.json", tmp_path)
    for model in tmp_path.glob("stage1-*/model.pt"):
        content = torch.load(model)
        content["data"]["settings"]["stage1"]["normalise"]["low"] = 2
        torch.save(content, model)
    with pytest.raises(ValueError, match="other settings than the manifest's: normalise"):
        exported(small, tmp_path)

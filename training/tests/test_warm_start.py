"""Training from the weights of a bundle or a run, only with the same fold and network."""

import dataclasses
import json

import pytest
import torch
from test_training import quiet, tiny

from spineline_training.onnx_io import export_onnx
from spineline_training.models import build_model
from spineline_training.train import train


@pytest.fixture
def earlier(tmp_path, prepared, monkeypatch):
    monkeypatch.setattr("spineline_training.train.plot_log", lambda log, picture, title: None)
    train(tiny(3), prepared, tmp_path / "earlier", quiet)
    return tmp_path / "earlier"


def content(folder, job):
    return torch.load(folder / job.name / "model.pt")


def test_a_run_goes_on_from_another(tmp_path, prepared, earlier):
    still = dataclasses.replace(tiny(3).recipe, lr=0.0, weight_decay=0.0)
    job = dataclasses.replace(tiny(3), recipe=still, start_from=earlier)
    train(job, prepared, tmp_path / "on", quiet)
    before, after = content(earlier, job)["model"], content(tmp_path / "on", job)["model"]
    for name, value in before.items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(value, after[name]), name
    assert content(tmp_path / "on", job)["asked"]["startFrom"] == content(earlier, job)["digest"]
    # A run that started from other weights is another training.
    with pytest.raises(ValueError, match="another startFrom"):
        train(dataclasses.replace(job, start_from=None), prepared, tmp_path / "on", quiet)


def test_or_from_a_bundle_that_held_out_the_same_fold(tmp_path, prepared, earlier):
    job = dataclasses.replace(tiny(3), start_from=tmp_path / "bundles", steps=1)
    model = build_model(job.task, job.model)
    model.load_state_dict(content(earlier, job)["model"])
    folder = tmp_path / "bundles" / "stage3"
    folder.mkdir(parents=True)
    export_onnx(3, job.task, job.model, model.eval(), folder / "nfn-tiny.onnx")

    def says(metrics):
        (folder / "bundle.json").write_text(json.dumps({"origin": {"metrics": metrics}}))

    says({"nfn-tiny.fold": job.fold})
    train(job, prepared, tmp_path / "on", quiet)
    says({"nfn-tiny.fold": 4})
    with pytest.raises(ValueError, match="held out fold 4; this training holds out fold 1"):
        train(job, prepared, tmp_path / "other", quiet)
    says({})
    with pytest.raises(ValueError, match="does not say which fold"):
        train(job, prepared, tmp_path / "other", quiet)


def test_another_network_fold_or_place_is_refused(tmp_path, prepared, earlier):
    job = dataclasses.replace(tiny(3), start_from=earlier)
    with pytest.raises(ValueError, match="held out fold 2; it has stage3-nfn-tiny-fold1"):
        train(dataclasses.replace(job, fold=2), prepared, tmp_path / "on", quiet)
    wider = dataclasses.replace(job.model, lstm_hidden=8)
    with pytest.raises(ValueError, match="differs in lstm_hidden"):
        train(dataclasses.replace(job, model=wider), prepared, tmp_path / "on", quiet)
    with pytest.raises(ValueError, match="neither stage3/bundle.json nor a run"):
        train(dataclasses.replace(job, start_from=tmp_path), prepared, tmp_path / "on", quiet)

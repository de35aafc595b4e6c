"""From phantoms to a score: generate, prepare, train a shipped model per task for one step, export, score.

test_training.py trains every shipped model and makes bundles of them.
"""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import CONFIGS

from spineline_training.config import load_config
from spineline_training.data import Prepared
from spineline_training.export import main as export
from spineline_training.job import job_of
from spineline_training.train import train

ROOT = CONFIGS.parent.parent
NODE = ROOT / "node_modules" / ".bin" / "node"
#: Three studies, of which one is in fold 0, which the models hold out.
SEED, STUDIES = 1, 3


def spineline(*words) -> str:
    command = [NODE, ROOT / "apps/producer/bin/spineline.js", *words]
    result = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.skipif(not NODE.exists(), reason="npm's packages are not installed")
@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server here")
def test_phantoms_become_bundles_that_score(tmp_path: Path, one_model_per_task: Path, monkeypatch):
    monkeypatch.setattr("spineline_training.train.plot_log", lambda log, picture, title: None)
    config = load_config(one_model_per_task)
    small = ["--small", "--no-awkward"]
    spineline("phantom", tmp_path / "phantoms", "--studies", STUDIES, "--seed", SEED, *small)
    options = ["--dtype", "uint8", "--pool", "4,2,2", "--xy-room-slices", 1, "--crop-room-slices", 2]
    spineline("prepare", tmp_path / "phantoms", "--out", tmp_path / "prepared", "--crop-room-px", 10, *options)
    data = Prepared([tmp_path / "prepared"])
    assert len(data.studies) == STUDIES
    for stage in (1, 2, 3):
        for task, name, _ in config.members(stage):
            settings = ["batch=2", "validations=1"]
            train(job_of(config, stage, task, name, settings=settings, steps=1), data, tmp_path / "runs", lambda line: None)
    bundles = tmp_path / "bundles"
    export(["--config", str(one_model_per_task), "--runs", str(tmp_path / "runs"), "--out", str(bundles)])

    spineline("phantom", tmp_path / "unseen", "--studies", 1, "--seed", SEED + 1, *small)
    models = [word for stage in (1, 2, 3) for word in ("--models", f"stage{stage}={bundles / f'stage{stage}'}")]
    spineline("score", tmp_path / "unseen", "--out", tmp_path / "out", *models)
    rows = list(csv.DictReader((tmp_path / "out" / "submission.csv").open()))
    assert len(rows) == 25
    for row in rows:
        assert sum(float(row[name]) for name in ("normal_mild", "moderate", "severe")) == pytest.approx(1)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "Trained on synthetic phantoms only." in results["notice"]

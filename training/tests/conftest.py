"""Paths of the configurations, and one thread, because other tests run at the same time."""

import json
from pathlib import Path

import pytest
import torch
from synthetic import write_prepared

from spineline_training.config import load_config
from spineline_training.data import Prepared

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def nano():
    return load_config(CONFIGS / "nano.json")


@pytest.fixture(scope="session")
def one_model_per_task(tmp_path_factory):
    """A configuration file with the first model of each stage of nano.json alone, and without its recipes."""
    content = json.loads((CONFIGS / "nano.json").read_text())
    for stage in ("stage1", "stage2", "stage3"):
        name = next(iter(content[stage]["models"]))
        tasks = {task: [name] for task in content[stage]["tasks"]}
        content[stage] = {"models": {name: content[stage]["models"][name]}, "tasks": tasks}
    file = tmp_path_factory.mktemp("config") / "one-model-per-task.json"
    file.write_text(json.dumps(content))
    return file


@pytest.fixture(scope="session")
def full():
    return load_config(CONFIGS / "full.json")


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory):
    """A prepared dataset of ten studies; read only."""
    return write_prepared(tmp_path_factory.mktemp("prepared") / "blobs", studies=10)


@pytest.fixture(scope="session")
def prepared(prepared_folder):
    return Prepared([prepared_folder])

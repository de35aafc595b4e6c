"""The definition of one training: a member of a configuration, its fold, its settings, its budget."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import (
    Config,
    ModelConfig,
    TrainingConfig,
    model_config_from,
    model_config_to_json,
    training_config_from,
)

#: Training images are read into memory if they take less than this.
MEMORY_GB = 6.0


@dataclass(frozen=True)
class Job:
    """One training: which member, on which fold, how long."""

    stage: int
    task: str
    member: str
    fold: int
    model: ModelConfig
    recipe: TrainingConfig
    seed: int = 0
    #: One of the two, or neither; then the epochs of the recipe count.
    steps: int | None = None
    minutes: float | None = None
    device: str = "cpu"
    memory_gb: float = MEMORY_GB
    #: Suffix of the run folder's name, for variants of an experiment.
    variant: str = ""
    #: Bundles or runs whose weights this training starts from; see `earlier_weights`.
    start_from: Path | None = None

    @property
    def name(self) -> str:
        return run_name(self.stage, self.task, self.member, self.fold, self.variant)

    def asked(self) -> dict[str, Any]:
        """The values that must be equal for a run to be resumed. Device and memory may change."""
        return {
            "stage": self.stage,
            "task": self.task,
            "member": self.member,
            "fold": self.fold,
            "seed": self.seed,
            "model": model_config_to_json(self.model),
            "recipe": json.loads(json.dumps(dataclasses.asdict(self.recipe))),
        }


def run_name(stage: int, task: str, member: str, fold: int, variant: str = "") -> str:
    return f"stage{stage}-{task}-{member}-fold{fold}" + (f"-{variant}" if variant else "")


def with_settings(model: ModelConfig, recipe: TrainingConfig, stage: int, settings: list[str]):
    """A model and a recipe with `key=value` settings applied.

    A key is a field of the recipe (`lr=1e-3`, `augment.rotate=0`) or, after `model.`, one of the model
    (`model.encoder.pre_pool=2`). Values are JSON, or else text.
    """
    tree = {"model": model_config_to_json(model), "recipe": json.loads(json.dumps(dataclasses.asdict(recipe)))}
    for setting in settings:
        key, found, value = setting.partition("=")
        path = key.split(".")
        path = path if path[0] == "model" else ["recipe", *path]
        place = tree
        for step in path[:-1]:
            place = place.get(step) if isinstance(place, dict) else None
        if not found or not isinstance(place, dict) or path[-1] not in place:
            raise ValueError(f"--set {setting}: expected key=value with a field of the recipe, or of the model after model.")
        try:
            place[path[-1]] = json.loads(value)
        except ValueError:
            place[path[-1]] = value
    return model_config_from(stage, tree["model"]), training_config_from(tree["recipe"])


def job_of(config: Config, stage: int, task: str, member: str, fold: int | None = None, settings=(), **rest) -> Job:
    """A member of a configuration as a job; `fold` defaults to the member's own."""
    described = config.stages[stage]
    if (task, member) not in described.recipes:
        known = ", ".join(f"{task} {name}" for task, name in described.recipes)
        raise ValueError(f"stage {stage} has no task {task} with a member {member}; it has: {known}")
    model, recipe = with_settings(described.models[member], described.recipes[task, member], stage, list(settings))
    return Job(stage, task, member, described.folds[member] if fold is None else fold, model, recipe, **rest)


def present_model(stage: int, model: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of an older run's model, with the fields added since. Their defaults change nothing."""
    return model_config_to_json(model_config_from(stage, model))

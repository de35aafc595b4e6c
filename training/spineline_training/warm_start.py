"""Starts a training from earlier weights: those of a bundle, or of a finished run.

The held-out studies must also have been held out in the earlier training. Otherwise the weights have seen them, and the
metrics would be too good. So the fold must be the same; the fold of a study depends only on its id.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor

from .config import ModelConfig, model_config_to_json
from .onnx_io import load_onnx


def earlier_weights(
    source: Path, stage: int, task: str, member: str, fold: int, config: ModelConfig
) -> tuple[dict[str, Tensor], str]:
    """The weights of a member in `source`, and a SHA-256 that names them.

    Args:
        source: a folder of bundles (`stage1/bundle.json`, ...), or of runs (`stage1-scs-cls-fold0/model.pt`, ...).
            A bundle has no training-only weights; those start from new ones.

    Raises:
        ValueError: there is no such member, it is another network, or it held out another fold.
    """
    name = f"stage{stage}-{task}-{member}"
    runs = sorted(source.glob(f"{name}-fold?/model.pt"))
    bundle = source / f"stage{stage}" / "bundle.json"
    if runs:
        file = next((one for one in runs if one.parent.name == f"{name}-fold{fold}"), None)
        if file is None:
            found = ", ".join(one.parent.name for one in runs)
            raise ValueError(f"{source} has no {name} that held out fold {fold}; it has {found}")
        content = torch.load(file, map_location="cpu")
        _same_network(name, content["asked"]["model"], config)
        return content["model"], content["digest"]
    if not bundle.exists():
        raise ValueError(f"{source} has neither {bundle.relative_to(source)} nor a run {name}-fold{fold}/model.pt")
    held_out = json.loads(bundle.read_text())["origin"]["metrics"].get(f"{task}-{member}.fold")
    if held_out != fold:
        was = "does not say which fold it held out" if held_out is None else f"held out fold {held_out}"
        raise ValueError(f"{task}-{member} of {bundle} {was}; this training holds out fold {fold}")
    file = bundle.parent / f"{task}-{member}.onnx"
    _, _, found, model = load_onnx(file)
    _same_network(name, model_config_to_json(found), config)
    weights = {key: value for key, value in model.state_dict().items() if key.split(".")[0] not in model.training_only}
    return weights, hashlib.sha256(file.read_bytes()).hexdigest()


def _same_network(name: str, found: dict, config: ModelConfig) -> None:
    # Drop rates, ways of computing and pretrained weights change neither shape nor meaning of a weight.
    def plain(model: dict) -> dict:
        ignored = ("depthwise", "drop_path", "dropout", "weights")
        return {key: plain(one) if isinstance(one, dict) else one for key, one in model.items() if key not in ignored}

    asked = plain(model_config_to_json(config))
    odd = sorted(key for key in asked if plain(found).get(key, asked[key]) != asked[key])
    if odd:
        raise ValueError(f"{name}: the weights to start from are of another network; it differs in {', '.join(odd)}")

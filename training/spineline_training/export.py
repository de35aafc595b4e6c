"""The command that exports the bundles of the three stages from a configuration and trained runs.

    python3 -m spineline_training.export --config configs/nano.json --out ../models/demo --runs RUNS

Writes OUT/stage1, OUT/stage2 and OUT/stage3, each with its ONNX files and `bundle.json`. With --runs the weights are
those that `spineline_training.train` wrote to RUNS; the manifests have their data, held-out scores and class shares.
With --checkpoints they are state dicts. With neither they are random, drawn from a seed, and the manifests say so.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Iterator

import torch
from torch import nn

from .bundle import (
    CLASS_SHARES_ORIGIN,
    SCHEMA,
    UNTRAINED_NOTICE,
    member_fields,
    precision_fields,
    stage_fields,
    write_manifest,
)
from .config import Config, ConvNeXt3dConfig, ModelConfig, load_config, model_config_to_json
from .job import present_model, run_name
from .models import build_model
from .onnx_io import export_onnx, load_onnx
from .patterns import example_inputs
from .run_files import state_digest

#: Largest difference between an ONNX file and torch, in units of the output.
TOLERANCE = 1e-4


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="spineline_training.export", description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", required=True, type=Path, help="size of the models, such as configs/nano.json")
    parser.add_argument("--out", required=True, type=Path, help="folder of the bundles")
    parser.add_argument("--seed", type=int, default=0, help="seed of random weights (default 0)")
    parser.add_argument("--runs", type=Path, help="folder of finished runs; a member without one is an error")
    parser.add_argument(
        "--checkpoints", type=Path, help="folder of state dicts stageN-TASK-MEMBER.pt; one missing is an error"
    )
    parser.add_argument("--data", help="what the checkpoints were trained on, for the manifest's origin")
    parser.add_argument("--created", help="date for the manifest (default: today, UTC)")
    parser.add_argument("--commit", help="commit for the manifest (default: git's, or unknown)")
    parser.add_argument(
        "--precision",
        choices=("float32", "float16"),
        default="float32",
        help="float16: half the bytes, faster on a GPU; the manifest states the largest difference (default float32)",
    )
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), action="append", help="only this stage (repeatable)")
    parser.add_argument(
        "--no-comparison",
        action="store_true",
        help="do not run the files to compare their outputs with torch: at full size that takes minutes per model",
    )
    options = parser.parse_args(arguments)
    if options.checkpoints and options.runs:
        parser.error("--runs or --checkpoints, not both")
    if options.no_comparison and options.precision == "float16":
        parser.error("--precision float16 needs the comparison: the manifest states its result")
    if options.checkpoints and not options.data:
        parser.error("--checkpoints needs --data, the origin of trained weights")
    torch.set_num_threads(1)
    config = load_config(options.config)
    created = options.created or datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    commit = options.commit or _commit()
    for stage in options.stage or (1, 2, 3):
        if options.runs:
            weights, data, metrics, shares = trained_runs(config, stage, options.runs)
        else:
            weights, data, metrics, shares = None, f"none: random weights, seed {options.seed}", {}, None
            if options.checkpoints:
                weights = _checkpoints(config, stage, options.checkpoints)
        origin = {"data": options.data or data, "commit": commit, "created": created, "metrics": metrics}
        export_stage(
            config,
            stage,
            options.out,
            options.seed,
            weights,
            origin,
            shares,
            options.precision,
            compare=not options.no_comparison,
        )


#: (task, member) -> state dict.
Weights = dict[tuple[str, str], dict[str, torch.Tensor]]


def export_stage(
    config: Config,
    stage: int,
    out: Path,
    seed: int,
    weights: Weights | None,
    origin: dict,
    shares: dict | None = None,
    precision: str = "float32",
    compare: bool = True,
) -> None:
    """Write the bundle of a stage into `out/stageN`. Without `weights` the weights are random, from the seed.

    Args:
        shares: class shares counted in the training labels, condition -> level -> three; stage 3.
        compare: whether to run each file and compare its output with torch. Its weights are checked in any case.
    """
    folder = out / f"stage{stage}"
    folder.mkdir(parents=True, exist_ok=True)
    trained = weights is not None
    tasks: dict[str, dict] = {}
    configs: list[ModelConfig] = []
    for task, name, model_config in config.members(stage):
        model = member_model(stage, task, name, model_config, seed, weights[task, name] if trained else None)
        file = folder / f"{task}-{name}.onnx"
        export_onnx(stage, task, model_config, model, file, precision=precision)
        difference = float16_difference(file, model_config, model) if precision == "float16" else None
        if difference is not None:
            checked = f"differs by {difference:.1e}"
        else:
            checked = compare_with_runtime(file, model_config, model) if compare else "outputs not compared"
        parameters = sum(
            one.numel() for name, one in model.named_parameters() if name.split(".")[0] not in model.training_only
        )
        member = member_fields(file, stage, model_config, config.size, parameters, trained)
        member.update(precision_fields(precision, difference))
        tasks.setdefault(task, {"members": []})["members"].append(member)
        configs.append(model_config)
        print(f"stage {stage}  {file.name:20}  {parameters:>9,} parameters  {member['bytes']:>9,} bytes  {checked}")
    notice = " ".join(part for part in (config.notice, config.trained_notice if trained else UNTRAINED_NOTICE) if part)
    # Every stage has its own fields. `tasks` comes before the long tables, for readers.
    fields = stage_fields(stage, configs)
    if stage == 3:
        fields["classShares"] = shares or fields["classShares"]
        counted = "counted in the training labels" if shares else CLASS_SHARES_ORIGIN
        origin = {**origin, "metrics": {**origin["metrics"], "classShares": counted}}
    manifest = {
        "schema": SCHEMA,
        "name": f"{config.bundle}-stage{stage}",
        "version": config.version,
        "stage": stage,
        "trained": trained,
        "notice": notice,
        "origin": origin,
    }
    order = ("input", "tasks", "crops", "classes", "classShares")
    manifest.update((key, {**fields, "tasks": tasks}[key]) for key in order if key == "tasks" or key in fields)
    write_manifest(folder, manifest)


def trained_runs(config: Config, stage: int, runs: Path) -> tuple[Weights, str, dict[str, float | str], dict]:
    """Read the runs of a stage: weights, a description of the data, metrics (`scs-cls.exact`, ...) and class shares.

    Raises ValueError if a run is missing or unfinished, has another model than the configuration, was trained on other
    data than the other runs, or on images that were prepared with other settings than those of the manifest.
    """
    weights: Weights = {}
    metrics: dict[str, float | str] = {}
    data, first = None, ""
    for task, name, model_config in config.members(stage):
        run = run_name(stage, task, name, config.stages[stage].folds[name])
        file = runs / run / "model.pt"
        if not (runs / run / "metrics.json").exists():
            raise ValueError(f"{run} is not finished (no metrics.json in its folder); train it, then export")
        content = torch.load(file, map_location="cpu")
        trained = present_model(stage, content["asked"]["model"])
        if _architecture(trained) != _architecture(model_config_to_json(model_config)):
            raise ValueError(f"{run} was trained with another model configuration than the one to be exported")
        if state_digest(content["model"]) != content["digest"]:
            raise ValueError(f"{file} is damaged: its weights do not have the digest that it names")
        if data is None:
            data, first = content["data"], run
        elif content["data"] != data:
            raise ValueError(f"{run} was trained on other data than {first}; the members of a bundle share theirs")
        weights[task, name] = content["model"]
        prefix = f"{task}-{name}"
        metrics[f"{prefix}.fold"] = content["fold"]
        metrics[f"{prefix}.steps"] = content["steps"]
        metrics[f"{prefix}.weights"] = content["digest"]
        if "startFrom" in content["asked"]:
            metrics[f"{prefix}.startFrom"] = content["asked"]["startFrom"]
        metrics |= {f"{prefix}.{key}": float(f"{value:.6g}") for key, value in content["metrics"].items()}
    _check_settings(config, stage, data["settings"])
    described = [
        f"{one.get('name') or 'dataset'} {one['digest']} ({one['studies']} studies)" for one in data["datasets"]
    ]
    metrics["studies"] = data["studies"]
    return weights, "; ".join(described), metrics, _shares(data["classCounts"])


def _architecture(model: dict) -> dict:
    """A model configuration without the fields that change neither weights nor outputs."""
    model = {key: value for key, value in model.items() if key not in ("depthwise", "drop_path", "dropout")}
    if "encoder" in model:
        model["encoder"] = {
            key: value for key, value in model["encoder"].items() if key not in ("weights", "drop_path")
        }
    return model


def _check_settings(config: Config, stage: int, settings: dict) -> None:
    """Check that the training images were prepared as the manifest says, so that training and serving do not differ."""
    fields = stage_fields(stage, [one for _, _, one in config.members(stage)])
    promised = json.loads(json.dumps(fields["crops"] if stage == 3 else fields["input"]))
    found = settings[f"stage{stage}"]
    if promised != found:
        odd = sorted(key for key in {*promised, *found} if promised.get(key) != found.get(key))
        raise ValueError(
            f"stage {stage}: the training data were prepared with other settings than the manifest's: {', '.join(odd)} "
            f"(for {odd[0]}: {found.get(odd[0])}, the manifest {promised.get(odd[0])})"
        )


def _shares(counts: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, list[float]]]:
    """Shares that sum to 1. A level without labels has the shares of its condition over all levels."""
    shares: dict[str, dict[str, list[float]]] = {}
    for condition, levels in counts.items():
        overall = [sum(one[i] for one in levels.values()) for i in range(3)]
        if sum(overall) == 0:
            raise ValueError(f"the training data have no label of {condition}, so that its class shares are not known")
        shares[condition] = {}
        for level, own in levels.items():
            used = own if sum(own) else overall
            shares[condition][level] = [one / sum(used) for one in used]
    return shares


def _checkpoints(config: Config, stage: int, folder: Path) -> Weights:
    weights = {}
    for task, name, _ in config.members(stage):
        state = torch.load(folder / f"stage{stage}-{task}-{name}.pt", map_location="cpu")
        weights[task, name] = state.get("model", state)
    return weights


def member_model(
    stage: int, task: str, name: str, config: ModelConfig, seed: int, state: dict[str, torch.Tensor] | None = None
) -> nn.Module:
    """A member in eval mode: with the weights of a state dict, or random from the seed and the member's own name."""
    member = f"stage{stage}-{task}-{name}"
    if state is not None:
        model = build_model(task, _without_download(config))
        model.load_state_dict(state)
        return model.eval()
    # One seed per member: adding a member does not change the weights of the others.
    own_seed = int.from_bytes(hashlib.sha256(f"{seed}/{member}".encode()).digest()[:4], "big")
    torch.manual_seed(own_seed)
    model = build_model(task, config)
    settle(model, config, own_seed)
    return model.eval()


def _without_download(config: ModelConfig) -> ModelConfig:
    """A trained model needs no pretrained weights."""
    if isinstance(config, ConvNeXt3dConfig):
        return config
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, weights=None))


def settle(model: nn.Module, config: ModelConfig, seed: int) -> None:
    """Give new batch norms the statistics of seeded patterns. Otherwise outputs of random weights explode or vanish."""
    norms = [one for one in model.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    model.eval()
    for one in norms:
        one.train()
        one.momentum, momentum = None, one.momentum
        one.reset_running_stats()
        one.usual_momentum = momentum
    with torch.no_grad():
        model(*example_inputs(config, model, batch=2, seed=seed).values())
    for one in norms:
        one.momentum = one.usual_momentum
        del one.usual_momentum


def compare_with_runtime(file: Path, config: ModelConfig, model: nn.Module) -> str:
    """Compare a float32 file with torch at two batch sizes; raises RuntimeError if they differ.

    Without onnxruntime the weights are read back into torch and compared bit for bit. Whether the operators compute the
    same is then checked only by the repository's test with onnxruntime-node.
    """
    largest, how = 0.0, ""
    for expected, found, how in _outputs(file, config, model):
        largest = max(largest, float((found - expected).abs().max()))
    allowed = TOLERANCE if how == "onnxruntime" else 0.0
    if not largest <= allowed:
        raise RuntimeError(f"{file.name} differs from torch by {largest:.2e}; at most {allowed:.0e} is allowed")
    return f"differs from torch by {largest:.1e}" if how == "onnxruntime" else f"weights read back; {how}"


def float16_difference(file: Path, config: ModelConfig, model: nn.Module) -> float:
    """The largest difference of a probability or a fraction between a float16 file and the float32 model.

    Measured on `example_inputs`. With onnxruntime the file computes as it does in serving on a CPU; without it, float32
    torch computes with the rounded weights. Raises RuntimeError if a result is not finite.
    """
    largest = 0.0
    for expected, found, _ in _outputs(file, config, model):
        if model.output == "logits":
            expected, found = expected.softmax(dim=-1), found.softmax(dim=-1)
        if not torch.isfinite(found).all():
            raise RuntimeError(f"{file.name} gives results that are not finite: the model is no good in float16")
        largest = max(largest, float((found - expected).abs().max()))
    return largest


def _outputs(file: Path, config: ModelConfig, model: nn.Module) -> Iterator[tuple[torch.Tensor, torch.Tensor, str]]:
    """Outputs of the model and of its file for two batch sizes, and what computed the latter."""
    try:
        import onnxruntime
    except ImportError:
        runtime, (_, _, _, again) = None, load_onnx(file)
    else:
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        runtime = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
    # A volume is large: torch alone needs a minute for one at the published size.
    for batch in (1, 2) if isinstance(config, ConvNeXt3dConfig) else (1, 5):
        inputs = example_inputs(config, model, batch=batch)
        with torch.no_grad():
            expected = model(*inputs.values())[model.output]
            if runtime is None:
                yield expected, again(*inputs.values())[model.output], "no onnxruntime here to compare outputs with"
                continue
        (found,) = runtime.run([model.output], {name: value.numpy() for name, value in inputs.items()})
        yield expected, torch.from_numpy(found), "onnxruntime"


def _commit() -> str:
    here = Path(__file__).resolve().parent
    try:
        return subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, check=True, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


if __name__ == "__main__":
    main()

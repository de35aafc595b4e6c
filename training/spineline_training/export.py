"""The command that turns a configuration, and checkpoints where there are any, into the bundles of the three stages.

    python3 -m spineline_training.export --config configs/nano.json --out ../models/demo --seed 0

Writes OUT/stage1, OUT/stage2 and OUT/stage3, each with its ONNX files and `bundle.json`. Without checkpoints the
weights are random, drawn from the seed, and the manifests say so.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import subprocess
from pathlib import Path

import torch
from torch import nn

from .bundle import CLASS_SHARES_ORIGIN, SCHEMA, UNTRAINED_NOTICE, member_fields, stage_fields, write_manifest
from .config import Config, ModelConfig, load_config
from .models import build_model
from .onnx_io import export_onnx, load_onnx
from .patterns import example_inputs

#: Largest difference between an ONNX file and torch, in units of the output.
TOLERANCE = 1e-4


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="spineline_training.export", description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", required=True, type=Path, help="size of the models, such as configs/nano.json")
    parser.add_argument("--out", required=True, type=Path, help="folder of the bundles")
    parser.add_argument("--seed", type=int, default=0, help="seed of random weights (default 0)")
    parser.add_argument(
        "--checkpoints", type=Path, help="folder of state dicts stageN-TASK-MEMBER.pt; one missing is an error"
    )
    parser.add_argument("--data", help="what the checkpoints were trained on, for the manifest's origin")
    parser.add_argument("--created", help="date for the manifest (default: today, UTC)")
    parser.add_argument("--commit", help="commit for the manifest (default: git's, or unknown)")
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), action="append", help="only this stage (repeatable)")
    options = parser.parse_args(arguments)
    if options.checkpoints and not options.data:
        parser.error("--checkpoints needs --data, the origin of trained weights")
    torch.set_num_threads(1)
    config = load_config(options.config)
    created = options.created or datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    commit = options.commit or _commit()
    for stage in options.stage or (1, 2, 3):
        origin = {
            "data": options.data or f"none: random weights, seed {options.seed}",
            "commit": commit,
            "created": created,
            "metrics": {},
        }
        export_stage(config, stage, options.out, options.seed, options.checkpoints, origin)


def export_stage(config: Config, stage: int, out: Path, seed: int, checkpoints: Path | None, origin: dict) -> None:
    """Write one stage's bundle into `out/stageN`."""
    folder = out / f"stage{stage}"
    folder.mkdir(parents=True, exist_ok=True)
    trained = checkpoints is not None
    tasks: dict[str, dict] = {}
    configs: list[ModelConfig] = []
    for task, name, model_config in config.members(stage):
        model = member_model(stage, task, name, model_config, seed, checkpoints)
        file = folder / f"{task}-{name}.onnx"
        export_onnx(stage, task, model_config, model, file)
        checked = compare_with_runtime(file, model_config, model)
        parameters = sum(
            one.numel() for name, one in model.named_parameters() if name.split(".")[0] not in model.training_only
        )
        member = member_fields(file, stage, model_config, config.size, parameters, trained)
        tasks.setdefault(task, {"members": []})["members"].append(member)
        configs.append(model_config)
        print(f"stage {stage}  {file.name:20}  {parameters:>9,} parameters  {member['bytes']:>9,} bytes  {checked}")
    notice = " ".join(part for part in (config.notice, "" if trained else UNTRAINED_NOTICE) if part)
    if stage == 3:
        origin = {**origin, "metrics": {**origin["metrics"], "classShares": CLASS_SHARES_ORIGIN}}
    manifest = {
        "schema": SCHEMA,
        "name": f"{config.bundle}-stage{stage}",
        "version": config.version,
        "stage": stage,
        "trained": trained,
        "notice": notice,
        "origin": origin,
    }
    # Every stage has its own fields; `tasks` before the long tables, for people who read it.
    fields = stage_fields(stage, configs)
    order = ("input", "tasks", "crops", "classes", "classShares")
    manifest.update((key, {**fields, "tasks": tasks}[key]) for key in order if key == "tasks" or key in fields)
    write_manifest(folder, manifest)


def member_model(
    stage: int, task: str, name: str, config: ModelConfig, seed: int, checkpoints: Path | None = None
) -> nn.Module:
    """A member in eval mode: from its checkpoint, or random from the seed and the member's own name."""
    member = f"stage{stage}-{task}-{name}"
    if checkpoints is not None:
        state = torch.load(checkpoints / f"{member}.pt", map_location="cpu")
        model = build_model(task, config)
        model.load_state_dict(state.get("model", state))
        return model.eval()
    # One seed a member: adding a member does not change the weights of the others.
    own_seed = int.from_bytes(hashlib.sha256(f"{seed}/{member}".encode()).digest()[:4], "big")
    torch.manual_seed(own_seed)
    model = build_model(task, config)
    settle(model, config, own_seed)
    return model.eval()


def settle(model: nn.Module, config: ModelConfig, seed: int) -> None:
    """Give fresh batch norms the statistics of seeded patterns, without which random weights explode or die out."""
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
    """Compare a file with torch at batches of 1 and 3, if Python has onnxruntime; raises RuntimeError if they differ.

    Without it the file is read back into torch and compared bit for bit; that the operators compute the same is then
    left to the test of the repository that runs onnxruntime-node.
    """
    try:
        import onnxruntime
    except ImportError:
        _, _, _, again = load_onnx(file)
        inputs = example_inputs(config, model, batch=1).values()
        with torch.no_grad():
            if not torch.equal(again(*inputs)[model.output], model(*inputs)[model.output]):
                raise RuntimeError(f"{file.name} read back gives other outputs")
        return "weights read back; no onnxruntime here to compare outputs with"
    runtime = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in (1, 3):
        inputs = example_inputs(config, model, batch=batch)
        with torch.no_grad():
            expected = model(*inputs.values())[model.output]
        (found,) = runtime.run([model.output], {name: value.numpy() for name, value in inputs.items()})
        largest = max(largest, float((torch.from_numpy(found) - expected).abs().max()))
    if not largest <= TOLERANCE:
        raise RuntimeError(f"{file.name} differs from torch by {largest:.2e}; at most {TOLERANCE:.0e} is allowed")
    return f"differs from torch by {largest:.1e}"


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

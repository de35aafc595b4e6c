"""Writes torch models as ONNX files, and restores the torch model from such a file.

The files keep every weight under its name in torch's state dict, and the model's configuration in their metadata. So a
shipped file can be compared with torch, or trained further, without its checkpoint. For that, the export folds no
constants; onnxruntime folds them when it loads the file.
"""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .config import ModelConfig, model_config_from, model_config_to_json
from .float16 import to_float16
from .models import build_model
from .models.convnext3d import DepthwiseConv3d
from .patterns import example_inputs

OPSET = 17
METADATA_KEY = "spineline.model"


def export_onnx(
    stage: int,
    task: str,
    config: ModelConfig,
    model: nn.Module,
    file: Path,
    depthwise: str = "by-depth",
    precision: str = "float32",
) -> None:
    """Write a model as ONNX (opset 17, dynamic batch, one output). The same weights give the same bytes.

    Args:
        depthwise: how the graph computes depthwise 3D convolutions, whatever the model trains with (`DepthwiseConv3d`).
            Not every execution provider has the native one.
        precision: "float32", or "float16" for weights and results in float16 (`float16.to_float16`).

    Raises RuntimeError if a weight that inference needs is not in the file under its own name, and ValueError if one is
    too large for float16.
    """
    model.eval()
    inputs = example_inputs(config, model, batch=2)
    axes = {name: {0: "batch"} for name in (*model.inputs, model.output)}
    wrapped = _MainOutput(model)
    modes = {one: one.mode for one in model.modules() if isinstance(one, DepthwiseConv3d)}
    for one in modes:
        one.mode = depthwise
    options = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    # Without gradients, or the trace of a model of full width would keep all its activations: 20 GB and more.
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer warns of every constant shape and of LSTMs with a dynamic batch; the tests run batches of 1 and 3.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped,
            tuple(inputs.values()),
            str(file),
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[model.output],
            dynamic_axes=axes,
            # Folding or fusing would replace weights by unnamed products.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            **options,
        )
    for one, mode in modes.items():
        one.mode = mode
    proto = onnx.load(str(file))
    _tidy(proto)
    description = {"stage": stage, "task": task, "config": model_config_to_json(config)}
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(description, sort_keys=True)})
    onnx.checker.check_model(proto, full_check=True)
    _check_weights(proto, model)
    if precision == "float16":
        proto = to_float16(proto)
    file.write_bytes(proto.SerializeToString(deterministic=True))


def load_onnx(file: Path) -> tuple[int, str, ModelConfig, nn.Module]:
    """Rebuild (stage, task, configuration, model in eval mode) from a file that `export_onnx` wrote.

    The model is float32. From a float16 file it has the rounded weights.
    """
    proto = onnx.load(str(file))
    properties = {one.key: one.value for one in proto.metadata_props}
    if METADATA_KEY not in properties:
        raise ValueError(f"{file.name} was not exported by spineline_training: no metadata {METADATA_KEY}")
    description = json.loads(properties[METADATA_KEY])
    raw = description["config"]
    # The weights come from the file, so that nothing is downloaded.
    if raw.get("encoder"):
        raw["encoder"]["weights"] = None
    config = model_config_from(description["stage"], raw)
    model = build_model(description["task"], config).eval()
    weights = _initialisers(proto)
    expected = _inference_state(model)
    for name in expected:
        if name not in weights:
            raise ValueError(f"{file.name} holds no weight {name}")
    model.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in expected}, strict=False)
    return description["stage"], description["task"], config, model


class _MainOutput(nn.Module):
    """Only the main output of a model, so that the graph has no training-only parts."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        # On this wrapper only (the model itself is in eval mode, and PRESERVE keeps it so): the exporter merges
        # initialisers of equal value, such as two fresh biases, unless the outermost module says that it trains.
        self.training = True

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model(*inputs)[self.model.output]


def _tidy(proto: onnx.ModelProto) -> None:
    """Remove the wrapper's prefix from names, and the exporter's stack traces, which contain local paths."""
    prefix = "model."
    for initialiser in proto.graph.initializer:
        initialiser.name = initialiser.name.removeprefix(prefix)
    for node in proto.graph.node:
        node.doc_string = ""
        for index, name in enumerate(node.input):
            node.input[index] = name.removeprefix(prefix)
    proto.doc_string = ""
    proto.graph.doc_string = ""
    proto.graph.name = "spineline"


def _initialisers(proto: onnx.ModelProto) -> dict:
    return {one.name: numpy_helper.to_array(one) for one in proto.graph.initializer}


def _inference_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights that inference reads: the state dict without training-only parts and batch counters."""
    return {
        name: value
        for name, value in model.state_dict().items()
        if name.split(".")[0] not in model.training_only and not name.endswith("num_batches_tracked")
    }


def _check_weights(proto: onnx.ModelProto, model: nn.Module) -> None:
    found = _initialisers(proto)
    for name, value in _inference_state(model).items():
        if name not in found or not torch.equal(torch.from_numpy(found[name].copy()), value):
            raise RuntimeError(f"the exported graph does not hold the weight {name}")
    extra = [name for name in found if name.split(".")[0] in model.training_only]
    if extra:
        raise RuntimeError(f"the exported graph holds {extra[0]}, which is for training only")

"""Turns an exported ONNX graph into one that computes in float16. Inputs and outputs stay float32.

Weights are half as large, and a GPU computes faster. On a CPU ONNX Runtime computes most layers in float32 again, and
casts between them, so that float16 gains nothing there.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Inputs of operators that must be float32, by operator: the region and the scales of Resize.
_KEPT_INPUTS = {"Resize": (1, 2), "Upsample": (1,)}
_SUFFIX = "/float16"


def to_float16(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph whose weights and results are float16, with a cast after each input and before each output.

    Raises ValueError if a weight is too large for float16 (65504).
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    graph = copy.graph
    kept = _kept(graph)
    for initialiser in graph.initializer:
        if initialiser.name not in kept:
            _halve(initialiser, initialiser.name)
    for node in graph.node:
        if node.output[0] in kept:
            continue
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _halve(attribute.t, node.output[0])
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
    renamed = {one.name: one.name + _SUFFIX for one in (*graph.input, *graph.output)}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    casts = [
        helper.make_node("Cast", [one.name], [renamed[one.name]], name=renamed[one.name], to=TensorProto.FLOAT16)
        for one in graph.input
    ]
    uncasts = [
        helper.make_node("Cast", [renamed[one.name]], [one.name], name=one.name, to=TensorProto.FLOAT)
        for one in graph.output
    ]
    nodes = [*casts, *graph.node, *uncasts]
    del graph.node[:]
    graph.node.extend(nodes)
    # The inferred types are those of the float32 graph.
    del graph.value_info[:]
    onnx.checker.check_model(copy, full_check=True)
    return copy


def _kept(graph: onnx.GraphProto) -> set[str]:
    """Names of the tensors that stay float32: those inputs, and everything that they are computed from."""
    producers = {name: node for node in graph.node for name in node.output}
    names = [
        node.input[index]
        for node in graph.node
        for index in _KEPT_INPUTS.get(node.op_type, ())
        if index < len(node.input)
    ]
    kept: set[str] = set()
    while names:
        name = names.pop()
        if name in kept:
            continue
        kept.add(name)
        # A shape is made of integers, whatever it is the shape of.
        if name in producers and producers[name].op_type != "Shape":
            names.extend(producers[name].input)
    return kept


def _halve(tensor: TensorProto, name: str) -> None:
    """Replace a float32 tensor by its float16 values, in place; other types stay."""
    if tensor.data_type != TensorProto.FLOAT:
        return
    values = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if np.isinf(half).any() and not np.isinf(values).any():
        raise ValueError(f"{name} has a value of {np.abs(values).max():g}; float16 reaches 65504")
    tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))

"""Writes a tiny stage-1 model that computes for as long as you choose, to test workers with long steps.

    python3 checks/slow_model.py --iterations 1000000 --outputs 5 --out slow-loop.onnx

Input `volume` [batch, 1, slices, height, width], output `logits` [batch, outputs, 32]. The time goes into an ONNX Loop
of `iterations` steps x <- tanh(x W + v). v is the mean of the volume, so no step can be computed at load time.
The logits are a fixed ramp over the slices (each output peaks at its own slice) plus 1e-9 times the result of the loop.
So the scores of an item agree within 1e-9 in every batch, but no optimiser can remove the loop.

The test fixture is this graph with 1000 iterations; packages/shared/test/fixtures/slow-loop.ts changes the number of
iterations and of outputs in its bytes, so that tests need no Python.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
SLICES = 32
#: Side of the square matrices: 128^3 multiplications and additions per iteration.
SIDE = 128


def slow_model(iterations: int, outputs: int) -> onnx.ModelProto:
    """The graph. `iterations` and `outputs` are initialisers of raw int64, which the fixture's reader patches."""
    f32, i64 = TensorProto.FLOAT, TensorProto.INT64

    def constant(name: str, values, dtype) -> TensorProto:
        return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["going_on"]),
            helper.make_node("MatMul", ["x", "matrix"], ["product"]),
            helper.make_node("Add", ["product", "mean"], ["shifted"]),
            helper.make_node("Tanh", ["shifted"], ["x_next"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("step_index", i64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", f32, [SIDE, SIDE]),
        ],
        [
            helper.make_tensor_value_info("going_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_next", f32, [SIDE, SIDE]),
        ],
    )
    nodes = [
        # The matrix, SIDE^2 values of sin(index) / 8, is computed at load: the file stays a few KB.
        helper.make_node("Range", ["zero", "cells", "one"], ["indices"]),
        helper.make_node("Sin", ["indices"], ["waves"]),
        helper.make_node("Mul", ["waves", "eighth"], ["small_waves"]),
        helper.make_node("Reshape", ["small_waves", "square"], ["matrix"]),
        helper.make_node("ReduceMean", ["volume"], ["mean"], keepdims=0),
        helper.make_node("Add", ["matrix", "mean"], ["x_first"]),
        helper.make_node("Loop", ["iterations", "", "x_first"], ["x_last"], body=body),
        helper.make_node("ReduceMean", ["x_last"], ["left_over"], keepdims=0),
        helper.make_node("Mul", ["left_over", "speck"], ["trace"]),
        # A batch of [B, 1, 1] zeros from the volume's own shape.
        helper.make_node("ReduceMean", ["volume"], ["means"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("Unsqueeze", ["means", "two"], ["means_3d"]),
        helper.make_node("Mul", ["means_3d", "zero"], ["zeros"]),
        # logits[b, t, z] = -|z - (6 + 2 t)| / 2 + trace: output t peaks at slice 6 + 2 t.
        helper.make_node("Range", ["zero_i", "outputs", "one_i"], ["output_indices"]),
        helper.make_node("Cast", ["output_indices"], ["output_floats"], to=f32),
        helper.make_node("Mul", ["output_floats", "two_f"], ["steps"]),
        helper.make_node("Add", ["steps", "six"], ["peaks"]),
        helper.make_node("Unsqueeze", ["peaks", "one_axis"], ["peaks_column"]),
        helper.make_node("Sub", ["slice_indices", "peaks_column"], ["distances"]),
        helper.make_node("Abs", ["distances"], ["far"]),
        helper.make_node("Mul", ["far", "minus_half"], ["ramp"]),
        helper.make_node("Add", ["ramp", "trace"], ["traced"]),
        helper.make_node("Add", ["traced", "zeros"], ["logits"]),
    ]
    initialisers = [
        constant("iterations", iterations, np.int64),
        constant("outputs", outputs, np.int64),
        constant("zero", 0, np.float32),
        constant("one", 1, np.float32),
        constant("cells", SIDE * SIDE, np.float32),
        constant("eighth", 0.125, np.float32),
        constant("square", [SIDE, SIDE], np.int64),
        constant("speck", 1e-9, np.float32),
        constant("two", [2], np.int64),
        constant("zero_i", 0, np.int64),
        constant("one_i", 1, np.int64),
        constant("two_f", 2, np.float32),
        constant("six", 6, np.float32),
        constant("one_axis", [1], np.int64),
        constant("minus_half", -0.5, np.float32),
        constant("slice_indices", np.arange(SLICES), np.float32),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("volume", f32, ["batch", 1, "slices", "height", "width"])],
        [helper.make_tensor_value_info("logits", f32, ["batch", "outputs", SLICES])],
        initialisers,
    )
    model = helper.make_model(
        graph, producer_name="spineline", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--outputs", type=int, default=5, help="5 for scs, 10 for nfn")
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    model = slow_model(options.iterations, options.outputs)
    options.out.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()

"""Writes torch's outputs for every model of a folder of bundles, for comparison with another runtime.

    python3 checks/onnx_parity.py --models ../models/demo --out DIR

The torch models take their weights from the ONNX files themselves (by name, see `spineline_training.onnx_io`). So the
comparison always has equal weights, random or trained, and needs no checkpoint. It writes each input once and each
model's output as .npy, and `cases.json`, which says which belong together.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spineline_training.onnx_io import load_onnx  # noqa: E402
from spineline_training.patterns import example_inputs  # noqa: E402

SEED = 20240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", required=True, type=Path, help="folder of stage1, stage2 and stage3")
    parser.add_argument("--out", required=True, type=Path, help="folder for the arrays")
    parser.add_argument("--batch", type=int, default=5, help="items per input (default 5)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    cases = []
    files = sorted(options.models.glob("stage*/*.onnx"))
    if not files:
        parser.error(f"no stage*/*.onnx in {options.models}")
    for file in files:
        _, _, config, model = load_onnx(file)
        inputs = {}
        for name, value in example_inputs(config, model, options.batch, SEED).items():
            inputs[name] = f"{name}-{'x'.join(str(one) for one in value.shape)}.npy"
            # All tasks share one file of axial crops: with one view they would come at another place in the sequence.
            if not (options.out / inputs[name]).exists():
                np.save(options.out / inputs[name], value.numpy())
        arrays = [torch.from_numpy(np.load(options.out / one)) for one in inputs.values()]
        with torch.no_grad():
            output = model(*arrays)[model.output].numpy()
        case = f"{file.parent.name}-{file.stem}"
        np.save(options.out / f"{case}.npy", output)
        cases.append(
            {
                "model": f"{file.parent.name}/{file.name}",
                "inputs": inputs,
                "output": {"name": model.output, "file": f"{case}.npy"},
            }
        )
    (options.out / "cases.json").write_text(json.dumps({"batch": options.batch, "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()

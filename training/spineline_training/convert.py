"""The command that writes existing bundles again, from the weights in their ONNX files.

    python3 -m spineline_training.convert --models ../models/ours --out ../models/ours-float16 --precision float16 \\
        --version 1.0.0-float16

Use it to bring older bundles to the form of graphs that is exported today (stage 1 with 2D convolutions, which every
execution provider runs), or to make float16 bundles. Weights are not trained again. The new bundles have another
version, because a store accepts a name and version once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from .bundle import precision_fields, size_fields, write_manifest
from .export import compare_with_runtime, float16_difference
from .onnx_io import export_onnx, load_onnx


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="spineline_training.convert", description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", required=True, type=Path, help="folder with bundles in stage1, stage2, stage3")
    parser.add_argument("--out", required=True, type=Path, help="folder of the new bundles")
    parser.add_argument("--version", required=True, help="version of the new bundles, such as 1.0.0-float16")
    parser.add_argument("--precision", choices=("float32", "float16"), default="float32", help="default float32")
    parser.add_argument(
        "--depthwise", choices=("by-depth", "native"), default="by-depth",
        help="form of the depthwise 3D convolutions of stage 1 (default by-depth)",
    )
    parser.add_argument("--stage", type=int, choices=(1, 2, 3), action="append", help="only this stage (repeatable)")
    options = parser.parse_args(arguments)
    stages = [f"stage{one}" for one in options.stage or (1, 2, 3)]
    folders = [options.models / one for one in stages if (options.models / one / "bundle.json").exists()]
    if not folders:
        parser.error(f"no {' or '.join(stages)} with a bundle.json in {options.models}")
    if options.out.resolve() == options.models.resolve():
        parser.error("--out is another folder than --models")
    torch.set_num_threads(1)
    for folder in folders:
        convert_bundle(folder, options.out / folder.name, options.version, options.precision, options.depthwise)


def convert_bundle(folder: Path, out: Path, version: str, precision: str, depthwise: str = "by-depth") -> None:
    """Write the bundle of a folder again. Raises ValueError for a member that `spineline_training` did not export."""
    manifest = json.loads((folder / "bundle.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    for content in manifest["tasks"].values():
        for member in content["members"]:
            stage, task, config, model = load_onnx(folder / member["file"])
            file = out / member["file"]
            export_onnx(stage, task, config, model, file, depthwise, precision)
            difference = float16_difference(file, config, model) if precision == "float16" else None
            checked = compare_with_runtime(file, config, model) if difference is None else f"differs by {difference:.1e}"
            # A float16 member that becomes float32 again keeps its rounded weights, but no difference.
            for name in ("precision", "float16Difference"):
                member.pop(name, None)
            member.update(size_fields(file), **precision_fields(precision, difference))
            print(f"stage {stage}  {file.name:20}  {member['bytes']:>9,} bytes  {checked}")
    manifest["origin"]["metrics"]["convertedFrom"] = manifest["version"]
    manifest["version"] = version
    write_manifest(out, manifest)


if __name__ == "__main__":
    main()

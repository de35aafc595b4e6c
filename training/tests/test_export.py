"""Exported files hold the inference graph, all of its weights and nothing else; the same seed gives the same bytes."""

import dataclasses
import json

import onnx
import pytest
import torch
from conftest import CONFIGS

from spineline_training.config import ConvNeXt3dConfig, EncoderConfig, SeverityConfig, XyConfig
from spineline_training.export import main, member_model
from spineline_training.models import build_model
from spineline_training.onnx_io import export_onnx, load_onnx
from spineline_training.patterns import example_inputs

EFFNET = EncoderConfig(
    family="efficientnet_v2", blocks=(("fused", 1, 3, 1, 8, 8, 1), ("mb", 2, 3, 2, 8, 16, 1)), last_channel=16
)
CONVNEXT = EncoderConfig(family="convnext", depths=(1, 1), widths=(8, 16), layer_scale=1.0)
VOLUME = ConvNeXt3dConfig(
    head="cls", slices=8, size=(32, 32), downsample=((2, 2, 2),), depths=(1, 2), widths=(8, 16), layer_scale=1.0
)
MODELS = [
    (1, "scs", VOLUME),
    (1, "nfn", dataclasses.replace(VOLUME, head="reg", pooling="heatmap", pre_pool=(1, 2, 2))),
    (2, "ss", XyConfig(encoder=CONVNEXT, size=(64, 64))),
    (2, "scs", XyConfig(encoder=EFFNET, size=(64, 64), pooling="soft-argmax")),
    (2, "nfn", XyConfig(encoder=CONVNEXT, size=(64, 64), pooling="soft-argmax", pyramid=8, stride=4)),
    (3, "scs", SeverityConfig(encoder=EFFNET, lstm_hidden=4)),
    (3, "ss", SeverityConfig(encoder=CONVNEXT, lstm_hidden=4, encoders="shared")),
    (3, "nfn", SeverityConfig(encoder=EFFNET, slices_as="channels")),
]


@pytest.mark.parametrize(("stage", "task", "config"), MODELS)
def test_a_file_reads_back_as_the_same_model_with_a_dynamic_batch(tmp_path, stage, task, config):
    model = member_model(stage, task, "one", config, seed=3)
    file = tmp_path / "one.onnx"
    export_onnx(stage, task, config, model, file)
    assert load_onnx(file)[:3] == (stage, task, config)
    again = load_onnx(file)[3]
    for batch in (1, 5):
        inputs = example_inputs(config, model, batch).values()
        with torch.no_grad():
            assert torch.equal(again(*inputs)[model.output], model(*inputs)[model.output])
    graph = onnx.load(str(file)).graph
    assert [one.name for one in graph.input] == list(model.inputs)
    assert [one.name for one in graph.output] == [model.output]
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_by_depth_models_are_exported_natively_and_keep_their_configuration(tmp_path):
    config = dataclasses.replace(VOLUME, depthwise="by-depth")
    model = member_model(1, "scs", "one", config, seed=3)
    export_onnx(1, "scs", config, model, tmp_path / "one.onnx")
    graph = onnx.load(str(tmp_path / "one.onnx")).graph
    kernels = [list(a.ints) for n in graph.node if n.op_type == "Conv" for a in n.attribute if a.name == "kernel_shape"]
    assert kernels.count([2, 7, 7]) == sum(config.depths)
    assert all(len(one) == 3 for one in kernels)


def test_training_only_parts_are_absent_from_the_graph(tmp_path):
    config = SeverityConfig(encoder=CONVNEXT, lstm_hidden=4)
    model = build_model("scs", config)
    export_onnx(3, "scs", config, model, tmp_path / "one.onnx")
    names = [one.name for one in onnx.load(str(tmp_path / "one.onnx")).graph.initializer]
    assert any(name.startswith("agg_scores.") for name in names)
    assert not any(name.startswith(("aux_scores.", "sub_heads.")) for name in names)


def test_files_name_no_folder_of_the_machine_that_made_them(tmp_path):
    model = member_model(2, "ss", "one", MODELS[2][2], seed=3)
    export_onnx(2, "ss", MODELS[2][2], model, tmp_path / "one.onnx")
    content = (tmp_path / "one.onnx").read_bytes()
    assert b".py" not in content and str(tmp_path).encode() not in content


def test_the_command_writes_the_same_bytes_twice(tmp_path, one_model_per_task, capsys):
    for out in ("first", "second"):
        main(
            ["--config", str(one_model_per_task), "--out", str(tmp_path / out), "--seed", "7", "--stage", "3"]
            + ["--created", "2024-01-01", "--commit", "unknown"]
        )
    first, second = (
        {one.name: one.read_bytes() for one in (tmp_path / out / "stage3").iterdir()} for out in ("first", "second")
    )
    assert first == second
    manifest = json.loads(first["bundle.json"])
    assert manifest["trained"] is False and "NOT FOR CLINICAL USE" in manifest["notice"]
    assert manifest["origin"]["data"] == "none: random weights, seed 7"
    for shares in manifest["classShares"].values():
        assert len(shares) == 5
        for level in shares.values():
            assert sum(level) == pytest.approx(1, abs=1e-12)


def test_trained_checkpoints_are_what_is_exported(tmp_path, nano, capsys):
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for task, name, config in nano.members(1):
        state = build_model(task, config).state_dict()
        torch.save({"model": state}, checkpoints / f"stage1-{task}-{name}.pt")
    arguments = ["--config", str(CONFIGS / "nano.json"), "--out", str(tmp_path), "--stage", "1"]
    main([*arguments, "--checkpoints", str(checkpoints), "--data", "none: a test"])
    manifest = json.loads((tmp_path / "stage1" / "bundle.json").read_text())
    assert manifest["trained"] is True and "random" not in manifest["notice"]
    state = torch.load(checkpoints / "stage1-nfn-reg.pt")["model"]
    _, _, _, model = load_onnx(tmp_path / "stage1" / "nfn-reg.onnx")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())

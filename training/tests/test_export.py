"""Exported files hold the inference graph, all of its weights and nothing else; the same seed gives the same bytes."""

import dataclasses
import hashlib
import json

import onnx
import pytest
import torch
from conftest import CONFIGS

from spineline_training.config import ConvNeXt3dConfig, EncoderConfig, SeverityConfig, XyConfig
from spineline_training.convert import main as convert
from spineline_training.export import main, member_model
from spineline_training.models import build_model
from spineline_training.models.convnext3d import DepthwiseConv3d
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


@pytest.mark.parametrize("trained_with", ["native", "by-depth"])
def test_depthwise_convolutions_are_exported_by_depth_unless_asked_otherwise(tmp_path, trained_with):
    config = dataclasses.replace(VOLUME, depthwise=trained_with)
    model = member_model(1, "scs", "one", config, seed=3)
    found = {}
    for form in ("by-depth", "native"):
        export_onnx(1, "scs", config, model, tmp_path / f"{form}.onnx", form)
        graph = onnx.load(str(tmp_path / f"{form}.onnx")).graph
        found[form] = [list(a.ints) for n in graph.node for a in n.attribute if a.name == "kernel_shape"]
        assert load_onnx(tmp_path / f"{form}.onnx")[2] == config
    blocks = sum(config.depths)
    assert found["by-depth"].count([7, 7]) == 2 * blocks and [2, 7, 7] not in found["by-depth"]
    assert found["native"].count([2, 7, 7]) == blocks and [7, 7] not in found["native"]
    assert all(one.mode == trained_with for one in model.modules() if isinstance(one, DepthwiseConv3d))


@pytest.mark.parametrize(("stage", "task", "config"), MODELS)
def test_a_float16_file_has_float32_inputs_and_outputs_and_half_of_the_bytes(tmp_path, stage, task, config):
    model = member_model(stage, task, "one", config, seed=3)
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    export_onnx(stage, task, config, model, whole)
    export_onnx(stage, task, config, model, half, precision="float16")
    graph = onnx.load(str(half)).graph
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    weights = {one.name: one for one in graph.initializer}
    for name, value in model.state_dict().items():
        if name in weights and value.is_floating_point():
            assert weights[name].data_type == onnx.TensorProto.FLOAT16
    sizes = [sum(len(one.raw_data) for one in onnx.load(str(file)).graph.initializer) for file in (whole, half)]
    assert sizes[1] < 0.55 * sizes[0]
    # Read back, the weights are rounded and the model is nearly the same.
    again = load_onnx(half)[3]
    inputs = example_inputs(config, model, 3).values()
    with torch.no_grad():
        assert torch.allclose(again(*inputs)[model.output], model(*inputs)[model.output], atol=0.02, rtol=0.01)


def test_a_weight_beyond_float16_is_an_error(tmp_path):
    model = member_model(2, "ss", "one", MODELS[2][2], seed=3)
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] = 70000.0
    with pytest.raises(ValueError, match="70000; float16 reaches 65504"):
        export_onnx(2, "ss", MODELS[2][2], model, tmp_path / "one.onnx", precision="float16")


def test_bundles_are_converted_without_their_checkpoints(tmp_path, one_model_per_task, capsys):
    arguments = ["--config", str(one_model_per_task), "--seed", "7", "--created", "2024-01-01", "--commit", "unknown"]
    main([*arguments, "--out", str(tmp_path / "old")])
    convert(["--models", str(tmp_path / "old"), "--out", str(tmp_path / "new"), "--version", "9.0.0-half"]
            + ["--precision", "float16"])
    for stage in (1, 2, 3):
        old, new = (
            json.loads((tmp_path / which / f"stage{stage}" / "bundle.json").read_text()) for which in ("old", "new")
        )
        assert new["version"] == "9.0.0-half" and new["origin"]["metrics"]["convertedFrom"] == old["version"]
        for key in ("name", "stage", "trained", "notice", "input", "crops", "classShares"):
            assert new.get(key) == old.get(key)
        for task, content in new["tasks"].items():
            for before, member in zip(old["tasks"][task]["members"], content["members"]):
                file = tmp_path / "new" / f"stage{stage}" / member["file"]
                assert member["precision"] == "float16" and "precision" not in before
                assert 0 <= member["float16Difference"] < 0.05
                assert hashlib.sha256(file.read_bytes()).hexdigest() == member["sha256"] != before["sha256"]
                assert file.stat().st_size == member["bytes"] < before["bytes"]


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


def test_without_the_comparison_the_same_files_are_written(tmp_path, one_model_per_task, monkeypatch, capsys):
    common = ["--config", str(one_model_per_task), "--stage", "3", "--created", "2024-01-01", "--commit", "unknown"]
    main([*common, "--out", str(tmp_path / "compared")])
    compared = capsys.readouterr().out
    monkeypatch.setattr("spineline_training.export.compare_with_runtime", lambda *_: pytest.fail("it was run"))
    main([*common, "--out", str(tmp_path / "not"), "--no-comparison"])
    assert "not compared" not in compared and "not compared" in capsys.readouterr().out
    for file in (tmp_path / "compared" / "stage3").iterdir():
        assert file.read_bytes() == (tmp_path / "not" / "stage3" / file.name).read_bytes()


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

"""Shapes and behaviour of the networks, small and full-size."""

import dataclasses

import pytest
import torch

from spineline_training.config import ConvNeXt3dConfig, EncoderConfig, SeverityConfig, XyConfig
from spineline_training.models import build_model
from spineline_training.models.convnext3d import ConvNeXt3d, DepthProfile, DepthwiseConv3d
from spineline_training.models.encoder2d import Encoder2d
from spineline_training.models.heads import HeatmapPooling
from spineline_training.models.xy import XyModel
from spineline_training.patterns import example_inputs

NANO_OUTPUTS = {
    (1, "scs", "cls"): (2, 5, 32),
    (1, "scs", "reg"): (2, 5, 3),
    (1, "nfn", "cls"): (2, 10, 32),
    (1, "nfn", "reg"): (2, 10, 3),
    (2, "scs"): (2, 5, 2),
    (2, "nfn"): (2, 5, 2),
    (2, "ss"): (2, 2, 2),
    3: (2, 3),
}
SMALL_CONVNEXT = EncoderConfig(family="convnext", depths=(1, 1), widths=(8, 16), layer_scale=1.0)
SMALL_VOLUME = dict(slices=8, size=(32, 32), stem=(1, 2, 2), downsample=((2, 2, 2),), depths=(1, 1), widths=(8, 16))


def parameters(model) -> int:
    return sum(one.numel() for one in model.parameters())


def test_nano_models_give_the_shapes_of_the_manifest(nano):
    for stage in (1, 2, 3):
        for task, name, config in nano.members(stage):
            model = build_model(task, config).eval()
            with torch.no_grad():
                result = model(*example_inputs(config, model, batch=2).values())
            expected = NANO_OUTPUTS.get((stage, task, name)) or NANO_OUTPUTS.get((stage, task)) or NANO_OUTPUTS[stage]
            assert list(result) == [model.output]
            assert result[model.output].shape == expected, (stage, task, name)
            assert torch.isfinite(result[model.output]).all()
            if model.output in ("coordinates", "xy"):
                assert 0 < result[model.output].min() and result[model.output].max() < 1


@pytest.mark.parametrize("pad_after", [False, True])
@pytest.mark.parametrize("kernel", [(2, 7, 7), (3, 5, 5), (1, 3, 3), (4, 3, 3)])
def test_depthwise_by_depth_equals_native_and_keeps_the_depth(kernel, pad_after):
    native = DepthwiseConv3d(6, kernel, pad_after)
    by_depth = DepthwiseConv3d(6, kernel, pad_after, mode="by-depth")
    by_depth.load_state_dict(native.state_dict())
    x = torch.rand(2, 7, 12, 10, 6)
    assert native(x).shape == x.shape
    assert torch.allclose(native(x), by_depth(x), atol=1e-6)


def test_an_even_depth_kernel_looks_before_or_after():
    x = torch.zeros(1, 5, 3, 3, 1)
    x[0, 2] = 1
    reached = {}
    for pad_after in (False, True):
        convolution = DepthwiseConv3d(1, (2, 1, 1), pad_after)
        torch.nn.init.ones_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
        reached[pad_after] = convolution(x)[0, :, 1, 1, 0].nonzero().flatten().tolist()
    # Padding before the stack: slice z reads z - 1 and z, so that slice 2 reaches 2 and 3.
    assert reached == {False: [2, 3], True: [1, 2]}


def test_a_whole_model_is_the_same_by_depth():
    for pooling in ("average", "heatmap"):
        config = ConvNeXt3dConfig(head="cls", pooling=pooling, layer_scale=1.0, **SMALL_VOLUME)
        native = ConvNeXt3d(config, 5).eval()
        by_depth = ConvNeXt3d(dataclasses.replace(config, depthwise="by-depth"), 5).eval()
        by_depth.load_state_dict(native.state_dict())
        x = torch.rand(2, 1, 8, 32, 32)
        assert torch.allclose(native(x)["logits"], by_depth(x)["logits"], atol=1e-5)


def test_heatmap_logits_are_given_in_training_only():
    config = ConvNeXt3dConfig(head="reg", pooling="heatmap", **SMALL_VOLUME)
    model = ConvNeXt3d(config, 10)
    x = torch.rand(1, 1, 8, 32, 32)
    assert model.train()(x)["heatmap"].shape == (1, 10, 4, 8, 8)
    assert list(model.eval()(x)) == ["coordinates"]
    xy = XyModel(XyConfig(encoder=SMALL_CONVNEXT, size=(64, 64), pooling="soft-argmax"), 2)
    assert xy.train()(torch.rand(1, 3, 64, 64))["heatmap"].shape == (1, 2, 8, 8)


def test_a_heatmap_peak_is_at_the_mean_index_of_its_cell():
    pooling = HeatmapPooling(1, 1, grid=(4, 8, 8), strides=(2, 8, 16))
    torch.nn.init.constant_(pooling.score.weight, 100)
    torch.nn.init.zeros_(pooling.score.bias)
    features = torch.zeros(1, 1, 4, 8, 8)
    features[0, 0, 1, 2, 3] = 1
    _, position, weights, _ = pooling(features)
    assert torch.allclose(weights.sum(dim=2), torch.ones(1, 1))
    # x: column 3 of stride 16 covers 48..63; y: row 2 of stride 8 covers 16..23; z: cell 1 of stride 2 covers 2 and 3.
    assert torch.allclose(position[0, 0], torch.tensor([55.5 / 128, 19.5 / 64, 2.5 / 8]), atol=1e-5)


def test_a_depth_profile_peaks_between_the_cells_that_share_a_heatmap():
    profile = DepthProfile(outputs=1, cells=4, slices=8)
    # Cell c of stride 2 has its middle at slice 2c + 0.5. All in cell 1: slices 2 and 3. Half each in 1 and 2: 3 and 4.
    alone = profile(torch.tensor([[[1e-6, 1.0, 1e-6, 1e-6]]]).log())[0, 0]
    shared = profile(torch.tensor([[[1e-6, 0.5, 0.5, 1e-6]]]).log())[0, 0]
    assert sorted(alone.topk(2).indices.tolist()) == [2, 3]
    assert sorted(shared.topk(2).indices.tolist()) == [3, 4]
    assert torch.isfinite(alone).all()


def test_xy_strides_are_those_of_the_encoders(nano, full):
    for config in (*nano.stages[2].models.values(), *nano.stages[3].models.values()):
        encoder = Encoder2d(config.encoder).eval()
        with torch.no_grad():
            features = encoder(torch.rand(1, 3, 128, 128))
        assert features.shape == (1, encoder.channels, 128 // encoder.stride, 128 // encoder.stride)


def test_severity_gives_sub_and_aux_outputs_in_training_only():
    config = SeverityConfig(encoder=SMALL_CONVNEXT, lstm_hidden=4)
    model = build_model("scs", config)
    crops = (torch.rand(2, 5, 32, 56), torch.rand(2, 5, 64, 64))
    trained = model.train()(*crops)
    assert trained["logits"].shape == (2, 3)
    assert {view: tuple(one.shape) for view, one in trained["sub"].items()} == {"sagittal": (2, 3), "axial": (2, 3)}
    assert {view: tuple(one.shape) for view, one in trained["aux"].items()} == {"sagittal": (2, 5), "axial": (2, 5)}
    assert list(model.eval()(*crops)) == ["logits"]


def test_the_aux_loss_does_not_reach_the_pooling_score():
    model = build_model("ss", SeverityConfig(encoder=SMALL_CONVNEXT, lstm_hidden=4)).train()
    model(torch.rand(2, 5, 32, 32))["aux"]["axial"].sum().backward()
    assert all(one.grad is None for one in model.agg_scores.parameters())
    assert all(one.grad is not None for one in model.aux_scores.parameters())


def test_a_shared_encoder_has_the_weights_of_one():
    def weights_of(encoders):
        config = SeverityConfig(encoder=SMALL_CONVNEXT, lstm_hidden=4, encoders=encoders)
        return parameters(build_model("scs", config).encoders)

    assert weights_of("per-view") == 2 * weights_of("shared")


def test_pretrained_weights_are_read_from_a_file(tmp_path):
    from torchvision import models

    torch.manual_seed(1)
    network = models.efficientnet_v2_s(weights=None)
    file = tmp_path / "weights.pth"
    torch.save(network.state_dict(), file)
    config = EncoderConfig(family="efficientnet_v2", variant="efficientnet_v2_s", weights=str(file))
    encoder = Encoder2d(config)
    name = "0.0.weight"
    assert torch.equal(encoder.features.state_dict()[name], network.features.state_dict()[name])
    torch.save({"something": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="not a state dict of efficientnet_v2_s"):
        Encoder2d(config)


def test_full_stage_1_has_this_size(full):
    config = full.stages[1].models["cls"]
    model = build_model("scs", config).eval()
    # By hand: a block of width C has 8 C^2 + 107 C weights, a downsampling 8 C C' + C' + 2 C.
    blocks = sum(n * (8 * c * c + 107 * c) for n, c in zip((3, 3, 9, 3), (64, 128, 256, 512)))
    downsamplings = sum(8 * c * d + d + 2 * c for c, d in ((64, 128), (128, 256), (256, 512)))
    stem, norm, heads = 64 * 4 + 64 + 2 * 64, 2 * 512, 5 * (512 * 32 + 32)
    assert parameters(model) == blocks + downsamplings + stem + norm + heads == 13_435_680
    with torch.no_grad():
        # Average pooling reads any size; the smallest that four stages allow.
        assert model(torch.rand(1, 1, 32, 32, 32))["logits"].shape == (1, 5, 32)
        reg = build_model("nfn", full.stages[1].models["reg"]).eval()
        assert reg(torch.rand(1, 1, 32, 32, 32))["coordinates"].shape == (1, 10, 3)


@pytest.fixture
def without_weights(monkeypatch):
    """Weights of large networks are left as they are in memory: to draw them takes seconds, and shapes do not need it."""
    for name in ("trunc_normal_", "kaiming_normal_", "kaiming_uniform_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *rest, **named: tensor)


@pytest.mark.usefixtures("without_weights")
@pytest.mark.parametrize(
    ("stage", "task", "name", "millions"),
    [
        (2, "scs", "convnext", 87.6),
        (2, "ss", "effnetv2", 117.2),
        (3, "ss", "convnext", 51.8),
        (3, "nfn", "effnetv2", 47.1),
    ],
)
def test_full_2d_models_are_torchvisions_encoders(full, stage, task, name, millions):
    config = full.stages[stage].models[name]
    model = build_model(task, config).eval()
    assert parameters(model) / 1e6 == pytest.approx(millions, abs=0.1)
    with torch.no_grad():
        if stage == 2:
            points = model(torch.rand(1, 3, 64, 64))["xy"]
            assert points.shape == (1, 2 if task == "ss" else 5, 2)
        else:
            views = [torch.rand(1, 5, 32, 32) for _ in model.inputs]
            assert model(*views)["logits"].shape == (1, 3)

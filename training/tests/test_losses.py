"""Losses count labelled targets with the challenge's weights, and ignore padding and missing views."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from spineline_training.config import ConvNeXt3dConfig, EncoderConfig, SeverityConfig, TrainingConfig, XyConfig
from spineline_training.losses import heatmap_loss, losses
from spineline_training.metrics import calibration_error, stage1_metrics, weighted_log_loss
from spineline_training.models import build_model
from spineline_training.models.heads import HeatmapPooling

RECIPE = TrainingConfig()
VOLUME = dict(slices=8, size=(32, 32), depths=(1, 1), widths=(8, 16))
ENCODER = EncoderConfig(family="convnext", depths=(1, 1), widths=(8, 16))


def test_unlabelled_levels_and_padding_take_no_part():
    model = build_model("scs", ConvNeXt3dConfig(head="cls", **VOLUME))
    point = torch.full((1, 5, 3), math.nan)
    point[0, 0] = torch.tensor([0.5, 0.5, 2.0])
    logits = torch.zeros(1, 5, 8)
    logits[0, 1:] = torch.randn(4, 8)
    logits[0, 0, 6:] = 50
    terms = losses(model, {"logits": logits}, {"point": point, "slices": torch.tensor([6])}, RECIPE)
    assert float(terms["slice"]) == pytest.approx(math.log(6), abs=1e-5)


def test_a_batch_without_labels_has_no_loss_but_a_gradient():
    model = build_model("ss", XyConfig(encoder=ENCODER, size=(64, 64), pooling="soft-argmax"))
    outputs = model(torch.rand(2, 3, 64, 64))
    total = sum(losses(model, outputs, {"point": torch.full((2, 2, 2), math.nan)}, RECIPE).values())
    total.backward()
    assert float(total) == 0


def test_coordinates_are_fractions_with_z_over_the_depth():
    model = build_model("scs", ConvNeXt3dConfig(head="reg", **VOLUME))
    point = torch.tensor([0.25, 0.5, 4.0]).expand(1, 5, 3)
    found = torch.tensor([0.25, 0.5, 0.75]).expand(1, 5, 3)
    recipe = dataclasses.replace(RECIPE, coordinate_weight=1)
    terms = losses(model, {"coordinates": found}, {"point": point, "slices": torch.tensor([8])}, recipe)
    assert float(terms["coordinates"]) == pytest.approx(0.25 / 3)


def test_a_heatmap_is_best_where_its_peak_is_the_label():
    pooling = HeatmapPooling(1, 1, grid=(4, 6, 5), strides=(2, 8, 8))
    labelled = pooling.positions[[37]].unsqueeze(0)

    def loss_at(cell):
        heatmap = torch.zeros(1, 1, 4, 6, 5)
        heatmap.view(-1)[cell] = 10
        return float(heatmap_loss(pooling, heatmap, labelled, RECIPE))

    values = [loss_at(cell) for cell in range(120)]
    assert int(np.argmin(values)) == 37


def severity_terms(recipe, present=((True, True),), place=((2, -1),)):
    model = build_model("scs", SeverityConfig(encoder=ENCODER, lstm_hidden=4))
    uniform = torch.zeros(1, 3)
    outputs = {
        "logits": uniform,
        "sub": {"sagittal": uniform, "axial": uniform},
        "aux": {"sagittal": torch.zeros(1, 5), "axial": torch.zeros(1, 5)},
    }
    targets = {"label": torch.tensor([2]), "slice": torch.tensor(place), "present": torch.tensor(present)}
    return {name: float(one) for name, one in losses(model, outputs, targets, recipe).items()}


def test_severity_weighs_severe_four_times_and_has_sub_and_aux_terms():
    recipe = dataclasses.replace(RECIPE, sub_weight=0.5, aux_weight=0.25)
    assert severity_terms(recipe) == pytest.approx(
        {
            "severity": 4 * math.log(3),
            "sub_sagittal": 2 * math.log(3),
            "sub_axial": 2 * math.log(3),
            "aux_sagittal": 0.25 * math.log(5),
            "aux_axial": 0.0,
        }
    )
    assert severity_terms(recipe, present=((True, False),))["sub_axial"] == 0
    assert list(severity_terms(dataclasses.replace(RECIPE, sub_weight=0, aux_weight=0))) == ["severity"]


def test_metrics_by_hand():
    found = np.zeros((1, 5, 3))
    found[0, :, 2] = [3.4, 3.6, 5.2, 9, 20]
    target = np.zeros((1, 5, 3), np.float32)
    target[0, :, 2] = [3, 3, 3, 3, np.nan]
    metrics = stage1_metrics(found, target, np.array([8]))
    assert [metrics[one] for one in ("exact", "off1", "off2", "off3")] == [0.25, 0.25, 0.25, 0.25]
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    expected = -(1 * math.log(0.5) + 4 * math.log(0.8)) / 5
    assert weighted_log_loss(probabilities, np.array([0, 2])) == pytest.approx(expected)
    assert calibration_error(probabilities, np.array([0, 2])) == pytest.approx((0.5 + 0.2) / 2)

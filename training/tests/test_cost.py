"""The counts of checks/cost.py, compared with networks counted by hand and with torchvision's figures."""

import sys
from pathlib import Path

import pytest
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "checks"))

import cost  # noqa: E402

from spineline_training.config import ConvNeXt3dConfig, EncoderConfig, SeverityConfig  # noqa: E402
from spineline_training.data import samples_of  # noqa: E402
from spineline_training.models import build_model  # noqa: E402
from spineline_training.models.encoder2d import Encoder2d  # noqa: E402


class Small(nn.Module):
    """[B, 3, 10, 12] -> 8 channels at stride 2 -> depthwise -> [B, 5 steps, 6] -> bi-LSTM of 2 layers -> linear."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.grouped = nn.Conv2d(8, 8, 1, groups=2)
        self.norm = nn.BatchNorm2d(8)
        self.lstm = nn.LSTM(48, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.last = nn.Linear(8, 7)

    def forward(self, x):
        x = self.norm(self.grouped(self.depthwise(self.first(x))))
        steps = x.permute(0, 2, 1, 3).flatten(2)  # [B, 5, 8 * 6]
        return self.last(self.lstm(steps)[0])


def test_a_small_network_counted_by_hand():
    count = cost.count_forward(Small(), [(2, 3, 10, 12)])
    pixels, steps = 2 * 5 * 6, 2 * 5
    assert count.depthwise == pixels * 8 * 9
    convolutions = pixels * 8 * (3 * 9) + pixels * 8 * 4
    # Two directions, four gates: the first layer reads 48 and its state of 4, the second 8 and 4.
    lstm = steps * 2 * 4 * 4 * ((48 + 4) + (8 + 4))
    assert count.dense == convolutions + lstm + steps * 8 * 7
    assert count.macs == count.dense + count.depthwise


def test_what_autograd_keeps_counted_by_hand():
    network = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 3))
    # The input; the ReLU's output, which both it and the layer after it keep. The weights are not counted.
    assert cost.count_forward(network, [(4, 6)]).kept == 4 * 6 + 4 * 10


def test_a_3d_convnext_counted_by_hand():
    config = ConvNeXt3dConfig(
        head="cls", slices=8, size=(16, 16), stem=(1, 2, 2), downsample=((2, 2, 2),), depths=(1, 1), widths=(8, 16)
    )
    count = cost.count_forward(build_model("scs", config), [(1, 1, 8, 16, 16)])
    fine, coarse = 8 * 8 * 8, 4 * 4 * 4
    kernel = 2 * 7 * 7
    assert count.depthwise == fine * 8 * kernel + coarse * 16 * kernel
    blocks = fine * 2 * 4 * 8 * 8 + coarse * 2 * 4 * 16 * 16
    assert count.dense == fine * 8 * 4 + blocks + coarse * 16 * 8 * 8 + 5 * 16 * 8


def test_an_encoder_costs_what_its_authors_say():
    # 8.37 GMAC at 384 x 384 (torchvision's table of weights), of which the classifier that is left out has 0.001.
    encoder = Encoder2d(EncoderConfig(family="efficientnet_v2", variant="efficientnet_v2_s"))
    assert cost.count_forward(encoder, [(2, 3, 384, 384)]).macs / 2e9 == pytest.approx(8.37, abs=0.01)


def test_severity_encodes_every_slice_of_every_view():
    def macs(slices):
        small = EncoderConfig(family="convnext", depths=(1, 1), widths=(8, 16))
        config = SeverityConfig(encoder=small, slices=slices, lstm_hidden=4)
        shapes = [(2, slices, 32, 56), (2, slices, 64, 64)]
        return cost.count_forward(build_model("nfn", config), shapes).depthwise

    assert macs(6) == 2 * macs(3) > 0


def test_a_layer_that_cannot_be_counted_is_an_error():
    with pytest.raises(ValueError, match="1 is a ConvTranspose2d"):
        cost.count_forward(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(3, 3, 2)), [(1, 3, 8, 8)])


def test_hours_are_samples_times_three_passes_over_the_speed():
    count = cost.Count(depthwise=2 * 10**9, dense=50 * 10**9, kept=10**9)
    one = cost.Cost("m", parameters=10**8, count=count, batch=4, samples=1000, epochs=9)
    # 9000 samples of 3 x 100 GFLOP at 25 TFLOP/s and of 3 x 4 GFLOP at 1 TFLOP/s.
    seconds = 9000 * (0.3 / 25 + 0.012 / 1)
    assert one.hours(100e12, 0.25, 0.01) == pytest.approx(seconds / 3600)
    assert one.gigabytes == pytest.approx(4 * 2 + 2)


def test_samples_are_those_that_training_finds(prepared):
    # The prepared dataset of the tests has every image and label of its ten studies.
    for stage, tasks in cost.SAMPLES_A_STUDY.items():
        for task, expected in tasks.items():
            samples = samples_of(prepared, stage, task)
            assert len(samples) <= 10 * expected, (stage, task)
            assert samples.row.max() + 1 == expected, (stage, task)


def test_every_member_is_in_the_table(nano):
    costs = cost.costs_of(nano, studies=100)
    assert len(costs) == sum(len(list(nano.members(stage))) for stage in (1, 2, 3))
    named = {one.name: one for one in costs}
    assert named["stage3-nfn-convnext"].samples == 80 * 10
    lines = cost.table(costs, 1e12, (0.25, 0.5), (0.25, 0.5)).splitlines()
    assert len(lines) == 1 + len(costs) + 3 + 2
    low, high = map(float, lines[-1].split()[-1].split("-"))
    exact = sum(one.hours(1e12, 0.25, 0.25) for one in costs) * 5
    assert high == pytest.approx(exact, abs=0.06) and low == pytest.approx(exact / 2, abs=0.06)

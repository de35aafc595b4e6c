"""Without augmentation a batch equals the input of serving; with it, targets stay on the structures that they mark."""

import dataclasses

import numpy as np
import pytest
import torch

from spineline_training.augment import make_batch
from spineline_training.config import AugmentConfig
from spineline_training.data import samples_of

STILL = AugmentConfig(
    slice_shift=(1.0,), centre_shift=0, affine=0, shift=0, scale=0, rotate=0, contrast=0, brightness=0, mirror=0,
    drop_slices=0, drop_view=0,
)  # fmt: skip
TASKS = [(1, "scs"), (1, "nfn"), (2, "scs"), (2, "nfn"), (2, "ss"), (3, "scs"), (3, "nfn"), (3, "ss")]


def batch(samples, augment=None, seed=0, count=12):
    return make_batch(samples, np.arange(min(count, len(samples))), augment, np.random.default_rng(seed))


@pytest.mark.parametrize(("stage", "task"), TASKS)
def test_augmentation_of_no_strength_is_the_served_window(prepared, stage, task):
    samples = samples_of(prepared, stage, task)
    plain, still = batch(samples), batch(samples, STILL)
    for one, other in zip(plain.inputs, still.inputs):
        assert torch.allclose(one, other, atol=1e-4)
    for name, value in plain.targets.items():
        assert torch.allclose(value.float(), still.targets[name].float(), atol=1e-6, equal_nan=True), name


def test_the_plain_window_is_the_middle_of_the_room(prepared):
    samples = samples_of(prepared, 3, "scs")
    sagittal, axial = batch(samples).inputs
    assert sagittal.shape[1:] == (5, 64, 112) and axial.shape[1:] == (5, 128, 128)
    raw = prepared.array("stage3.sagittal_t2").whole()[samples.study[0], samples.row[0]]
    assert torch.equal(sagittal[0], torch.from_numpy(raw[2:7, 8:72, 8:120] / np.float32(255)))


@pytest.mark.parametrize(("stage", "task"), TASKS)
def test_the_same_random_numbers_give_the_same_batch(prepared, stage, task):
    samples = samples_of(prepared, stage, task)
    first, again, other = (batch(samples, AugmentConfig(), seed) for seed in (1, 1, 2))
    assert all(torch.equal(one, two) for one, two in zip(first.inputs, again.inputs))
    assert not any(torch.equal(one, two) for one, two in zip(first.inputs, other.inputs))


@pytest.mark.parametrize("task", ["scs", "nfn"])
def test_stage_1_points_stay_on_their_blobs(prepared, task):
    samples = samples_of(prepared, 1, task)
    strong = dataclasses.replace(AugmentConfig(), contrast=0, brightness=0, rotate=15, scale=0.15, shift=0.05)
    for augment in (STILL, dataclasses.replace(STILL, mirror=1.0), strong):
        made = batch(samples, augment)
        for volume, points, slices in zip(made.inputs[0], made.targets["point"], made.targets["slices"]):
            assert float(volume[0, slices:].sum()) == 0
            for x, y, z in points[points.isfinite().all(dim=1)]:
                assert 0 <= z < slices
                row, column = round(float(y) * 96 - 0.4), round(float(x) * 96 - 0.4)
                if 2 <= row < 94 and 2 <= column < 94:
                    assert float(volume[0, int(z), row - 1 : row + 2, column - 1 : column + 2].max()) > 0.5


def test_a_mirrored_volume_exchanges_the_sides(prepared):
    samples = samples_of(prepared, 1, "nfn")
    plain, mirrored = batch(samples), batch(samples, dataclasses.replace(STILL, mirror=1.0))
    slices = plain.targets["slices"]
    expected = (slices[:, None] - 1 - plain.targets["point"][:, :, 2]).roll(5, dims=1)
    assert torch.allclose(mirrored.targets["point"][:, :, 2], expected, equal_nan=True)
    n = int(slices[0])
    assert torch.allclose(mirrored.inputs[0][0, 0, :n], plain.inputs[0][0, 0, :n].flip(0), atol=1e-4)


def test_dropped_slices_are_never_labelled_ones(prepared):
    samples = samples_of(prepared, 1, "nfn")
    plain = batch(samples)
    for seed in range(5):
        made = batch(samples, dataclasses.replace(STILL, drop_slices=6), seed)
        assert torch.equal(made.targets["point"].isfinite(), plain.targets["point"].isfinite())
        z = made.targets["point"][:, :, 2]
        assert float(z.nan_to_num(0).min()) >= 0
        assert bool((z.nan_to_num(0).amax(dim=1) < made.targets["slices"]).all())


@pytest.mark.parametrize("task", ["scs", "ss"])
def test_stage_2_points_stay_on_their_blobs(prepared, task):
    samples = samples_of(prepared, 2, task)
    strong = dataclasses.replace(AugmentConfig(), contrast=0, brightness=0, affine=1.0, rotate=15, scale=0.15)
    made = batch(samples, strong)
    seen = 0
    for image, points in zip(made.inputs[0], made.targets["point"]):
        for x, y in points[points.isfinite().all(dim=1)]:
            row, column = int(float(y) * 256), int(float(x) * 256)
            if 4 <= row < 252 and 4 <= column < 252:
                # Blobs have a radius of 6 px, so everything around the marked place is bright.
                assert float(image[1, row - 2 : row + 3, column - 2 : column + 3].min()) > 0.5
                seen += 1
    assert seen > 10


def test_a_mirrored_axial_image_exchanges_the_sides(prepared):
    samples = samples_of(prepared, 2, "ss")
    plain, mirrored = batch(samples), batch(samples, dataclasses.replace(STILL, mirror=1.0))
    assert torch.allclose(mirrored.inputs[0], plain.inputs[0].flip(3), atol=1e-4)
    flipped = plain.targets["point"].flip(1)
    # Index i of 512 becomes 511 - i.
    flipped[:, :, 0] = 511 / 512 - flipped[:, :, 0]
    assert torch.allclose(mirrored.targets["point"], flipped, atol=1e-5, equal_nan=True)


def test_a_mirrored_crop_reverses_sagittal_slices_and_turns_axial_ones(prepared):
    samples = samples_of(prepared, 3, "nfn")
    plain, mirrored = batch(samples), batch(samples, dataclasses.replace(STILL, mirror=1.0))
    assert torch.allclose(mirrored.inputs[0], plain.inputs[0].flip(1), atol=1e-4)
    assert torch.allclose(mirrored.inputs[1], plain.inputs[1].flip(3), atol=1e-4)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_the_labelled_slice_is_followed_through_shift_and_mirror(prepared, mirror):
    samples = samples_of(prepared, 3, "scs")
    made = batch(samples, dataclasses.replace(STILL, slice_shift=(0.2, 0.4, 0.4), mirror=mirror), count=40)
    places = made.targets["slice"]
    assert {0, 1, 2, 3, 4} == set(places.flatten().tolist()) - {-1}
    for v, views in enumerate(made.inputs):
        for crops, place, present in zip(views, places[:, v], made.targets["present"][:, v]):
            assert (place >= 0) == present
            if present:
                middle = crops[:, crops.shape[1] // 2 - 12 : crops.shape[1] // 2 + 12].flatten(1).mean(dim=1)
                # The blob is largest in the labelled slice.
                assert int(middle.argmax()) == int(place)


def test_slice_shifts_have_the_configured_frequencies(prepared):
    samples = samples_of(prepared, 3, "ss")
    index = np.resize(np.flatnonzero(samples.present.all(axis=1)), 600)
    augment = dataclasses.replace(STILL, slice_shift=(0.65, 0.30, 0.05))
    place = make_batch(samples, index, augment, np.random.default_rng(0)).targets["slice"]
    rates = [float(((place - 2).abs() == one).float().mean()) for one in range(3)]
    assert rates == pytest.approx([0.65, 0.30, 0.05], abs=0.05)


def test_a_lost_view_is_a_zero_tensor_and_never_the_last_one(prepared):
    samples = samples_of(prepared, 3, "scs")
    made = batch(samples, dataclasses.replace(AugmentConfig(), drop_view=1.0), count=40)
    present = made.targets["present"]
    assert bool((present.sum(dim=1) == 1).all())
    for v, views in enumerate(made.inputs):
        assert bool(((views.flatten(1).abs().sum(dim=1) > 0) == present[:, v]).all())

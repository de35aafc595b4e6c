"""Makes batches of samples: with the window that serving cuts, or with a varied one for training.

Images are shifted, scaled, rotated and mirrored by one affine resampling per batch. It uses the room that preparation
left around them; points move with them. Every random number comes from a generator that the caller seeds with the step,
so a resumed training sees the same batches as an uninterrupted one. Sources: docs/pipeline.md, "Training-only rules".

A mirror image of a patient reverses the order of sagittal slices, flips axial slices in x, and exchanges left and
right. It is another valid patient, so it doubles the data. (The windows around left and right axial points are also
mirror images of each other.)

Coordinates are handled as edge coordinates, in which pixel i covers [i, i + 1): they do not change with pooling. A
label's fraction f = index / size lies at f + 0.5 / size of the image's extent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .config import AugmentConfig
from .data import Samples
from .data.tasks import View

#: Number of real slices that a volume keeps at least when slices are dropped.
_FEWEST_SLICES = 8


@dataclass
class Batch:
    """Inputs in the model's order, and targets by name.

    Stage 1: `point` [B, outputs, 3] (x, y fractions, z in slices; NaN where unlabelled), `slices` [B] real slices.
    Stage 2: `point` [B, points, 2]. Stage 3: `label` [B], `slice` [B, views] (the labelled slice's place, -1 where it
    is not among the slices) and `present` [B, views].
    """

    inputs: tuple[Tensor, ...]
    targets: dict[str, Tensor]


def make_batch(
    samples: Samples,
    index: np.ndarray,
    augment: AugmentConfig | None = None,
    random: np.random.Generator | None = None,
    device: torch.device | str = "cpu",
    slice_error: int = 0,
) -> Batch:
    """The samples `index` as a batch. Without `augment` it is the input of serving, as rounded by the preparation.

    Args:
        slice_error: for stage 3, without `augment`: slices by which every view is off, to simulate errors of stage 1.

    Raises:
        ValueError: the data have less room than the slice error needs.
    """
    if slice_error:
        return _off(samples, index, slice_error, torch.device(device))
    maker = {1: _stage1, 2: _stage2, 3: _stage3}[samples.stage]
    return maker(samples, index, augment, random, torch.device(device))


def _stage1(samples: Samples, index: np.ndarray, augment, random, device) -> Batch:
    view = samples.views[0]
    (images,) = samples.images(index)
    count, depth = images.shape[:2]
    point, slices = samples.target[index].copy(), samples.slices[index].astype(np.int64)
    if augment is None:
        return Batch(
            (_float(images, device).unsqueeze(1),),
            {"point": _tensor(point, device), "slices": _tensor(slices, device)},
        )
    mirrored = random.random(count) < augment.mirror
    order = np.full((count, depth), -1)
    for i in range(count):
        first, last = _dropped(point[i, :, 2], int(slices[i]), augment.drop_slices, random)
        kept = np.arange(first, slices[i] - last)
        order[i, : len(kept)] = kept[::-1] if mirrored[i] else kept
        z = point[i, :, 2] - first
        point[i, :, 2] = len(kept) - 1 - z if mirrored[i] else z
        slices[i] = len(kept)
    if point.shape[1] == 10:
        point[mirrored] = np.roll(point[mirrored], 5, axis=1)
    images = images[np.arange(count)[:, None], np.maximum(order, 0)]
    matrix, offset = _affine(count, view, augment, random, mirror=None)
    volume = _resample(_float(images, device), view, matrix, offset)
    volume = _intensity(volume, augment, random) * _tensor(order >= 0, device).float()[:, :, None, None]
    point[..., :2] = _moved(point[..., :2], view, samples.full_size, matrix, offset)
    return Batch((volume.unsqueeze(1),), {"point": _tensor(point, device), "slices": _tensor(slices, device)})


def _dropped(z: np.ndarray, slices: int, most: int, random: np.random.Generator) -> tuple[int, int]:
    """How many slices are dropped at the front and at the end; never a labelled one."""
    front, end = random.integers(0, most + 1, 2)
    labelled = z[np.isfinite(z)]
    front = min(front, int(labelled.min()) if len(labelled) else most)
    end = min(end, slices - 1 - int(np.ceil(labelled.max())) if len(labelled) else most)
    if slices - front - end < _FEWEST_SLICES:
        return 0, 0
    return max(0, int(front)), max(0, int(end))


def _stage2(samples: Samples, index: np.ndarray, augment, random, device) -> Batch:
    view = samples.views[0]
    (images,) = samples.images(index)
    point = samples.target[index].copy()
    if augment is None:
        return Batch((_float(_central(images, view), device),), {"point": _tensor(point, device)})
    count = len(index)
    mirrored = random.random(count) < augment.mirror
    axial = samples.task == "ss"
    shift = _slice_shift(count, view, augment, random)
    images = _shifted(images, view, shift, reverse=None if axial else mirrored)
    matrix, offset = _affine(count, view, augment, random, mirror=mirrored if axial else None)
    image = _intensity(_resample(_float(images, device), view, matrix, offset), augment, random)
    point = _moved(point, view, samples.full_size, matrix, offset)
    if axial:
        point[mirrored] = point[mirrored][:, ::-1]
    return Batch((image,), {"point": _tensor(point, device)})


def _stage3(samples: Samples, index: np.ndarray, augment, random, device) -> Batch:
    images = samples.images(index)
    present = samples.present[index].copy()
    count, middle = len(index), samples.views[0].slices // 2
    place = np.where(present, middle, -1)
    inputs = []
    if augment is None:
        inputs = [_float(_window(_central(one, view), view), device) for one, view in zip(images, samples.views)]
    else:
        mirrored = random.random(count) < augment.mirror
        lost = random.random(count) < augment.drop_view
        which = random.integers(0, len(samples.views), count)
        if len(samples.views) > 1:
            lost &= present.all(axis=1)
            present[np.flatnonzero(lost), which[lost]] = False
        for v, (one, view) in enumerate(zip(images, samples.views)):
            sagittal = view.name == "sagittal"
            shift = _slice_shift(count, view, augment, random)
            one = _shifted(one, view, shift, reverse=mirrored if sagittal else None)
            at = middle - shift
            at = np.where(mirrored, view.slices - 1 - at, at) if sagittal else at
            place[:, v] = np.where(present[:, v] & (at >= 0) & (at < view.slices), at, -1)
            matrix, offset = _affine(count, view, augment, random, mirror=None if sagittal else mirrored)
            image = _intensity(_resample(_float(one, device), view, matrix, offset), augment, random)
            inputs.append(image * _tensor(present[:, v], device).float()[:, None, None, None])
    targets = {"label": samples.label[index], "slice": place.astype(np.int64), "present": present}
    return Batch(tuple(inputs), {name: _tensor(value, device) for name, value in targets.items()})


def _off(samples: Samples, index: np.ndarray, slices: int, device) -> Batch:
    """Stage 3's batch with every view cut `slices` slices away from the labelled one."""
    inputs = []
    for images, view in zip(samples.images(index), samples.views):
        if abs(slices) > view.room_slices:
            raise ValueError(
                f"a slice error of {slices} needs data prepared with --crop-room-slices {abs(slices)} or more, "
                f"found {view.room_slices}"
            )
        moved = _shifted(images, view, np.full(len(index), slices), reverse=None)
        inputs.append(_float(_window(moved, view), device))
    return Batch(tuple(inputs), {"label": _tensor(samples.label[index], device)})


def _slice_shift(count: int, view: View, augment: AugmentConfig, random: np.random.Generator) -> np.ndarray:
    """The slice shift of each sample, in either direction, within the room."""
    chances = np.array(augment.slice_shift, dtype=float)
    size = random.choice(len(chances), count, p=chances / chances.sum())
    sign = random.integers(0, 2, count) * 2 - 1
    return np.minimum(size, view.room_slices) * sign


def _shifted(images: np.ndarray, view: View, shift: np.ndarray, reverse: np.ndarray | None) -> np.ndarray:
    """Indices of the slices to read, `shift` slices from the labelled place; in reverse order where `reverse`."""
    order = view.room_slices + shift[:, None] + np.arange(view.slices)
    if reverse is not None:
        order = np.where(reverse[:, None], order[:, ::-1], order)
    return images[np.arange(len(images))[:, None], order]


def _central(images: np.ndarray, view: View) -> np.ndarray:
    return images[:, view.room_slices : view.room_slices + view.slices]


def _window(images: np.ndarray, view: View) -> np.ndarray:
    left, _, top, _ = view.room
    height, width = view.size
    return images[:, :, top : top + height, left : left + width]


def _affine(
    count: int, view: View, augment: AugmentConfig, random: np.random.Generator, mirror: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """For each sample a matrix [2, 2] and an offset [2] in array pixels, x first.

    They map a position relative to the centre of the output to the position in the array that is read.
    """
    height, width = view.size
    left, _, top, _ = view.room
    applied = random.random(count) < augment.affine
    angle = np.deg2rad(random.uniform(-augment.rotate, augment.rotate, count)) * applied
    # Shrinking and enlarging by a factor are equally likely.
    factor = np.exp(random.uniform(-1, 1, count) * np.log1p(augment.scale) * applied)
    moved = random.uniform(-1, 1, (count, 2))
    if view.scale is not None:
        moved = moved * augment.centre_shift * np.array(view.scale)
    else:
        moved = moved * augment.shift * np.array([width, height]) * applied[:, None]
    cosine, sine = np.cos(angle) * factor, np.sin(angle) * factor
    matrix = np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)
    if mirror is not None:
        matrix[:, :, 0] *= np.where(mirror, -1.0, 1.0)[:, None]
    return matrix, moved + np.array([left + width / 2, top + height / 2])


def _resample(images: Tensor, view: View, matrix: np.ndarray, offset: np.ndarray) -> Tensor:
    """`[B, slices, height, width]` of the array's size to the window's, bilinear, zeros outside."""
    height, width = view.size
    whole = np.array([images.shape[-1], images.shape[-2]], dtype=float)
    half = np.array([width / 2, height / 2])
    theta = np.concatenate(
        [2 / whole[None, :, None] * matrix * half[None, None, :], (2 * offset / whole - 1)[:, :, None]], axis=2
    )
    grid = F.affine_grid(
        torch.from_numpy(theta).to(images.device, torch.float32),
        [len(images), images.shape[1], height, width],
        align_corners=False,
    )
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _moved(
    point: np.ndarray, view: View, full_size: tuple[int, int], matrix: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """The new positions of points [B, points, 2] (fractions x and y); NaN where they leave the image."""
    height, width = view.size
    size = np.array([width, height], dtype=float)
    half_pixel = 0.5 / np.array([full_size[1], full_size[0]])
    place = (point.astype(float) + half_pixel) * size - offset[:, None]
    moved = np.einsum("bij,bpj->bpi", np.linalg.inv(matrix), place) + size / 2
    fraction = moved / size - half_pixel
    inside = ((fraction >= 0) & (fraction <= 1)).all(axis=2, keepdims=True)
    return np.where(inside, fraction, np.nan).astype(np.float32)


def _intensity(images: Tensor, augment: AugmentConfig, random: np.random.Generator) -> Tensor:
    count = len(images)
    contrast = np.exp(random.uniform(-1, 1, count) * np.log1p(augment.contrast))
    brightness = random.uniform(-1, 1, count) * augment.brightness
    gain = torch.from_numpy(contrast).to(images.device, torch.float32).view(-1, 1, 1, 1)
    bias = torch.from_numpy(brightness + 0.5 * (1 - contrast)).to(images.device, torch.float32).view(-1, 1, 1, 1)
    return (images * gain + bias).clamp_(0, 1)


def _float(images: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor.float()


def _tensor(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)

"""The samples of each task: inputs and targets of the models.

Rows follow the prepared arrays. Stage 1: one row per study. Stage 2: one per image (nfn: left, right; ss: one per
level). Stage 3: one per target (a level, or a level of a side, the five left ones first).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .folds import fold_of
from .prepared import ArrayOfShards, Prepared, PreparedError

#: Stage 3: (view, array) in the order of the model's inputs.
VIEWS = {
    "scs": (("sagittal", "stage3.sagittal_t2"), ("axial", "stage3.axial_middle")),
    "nfn": (("sagittal", "stage3.sagittal_t1"), ("axial", "stage3.axial_sides")),
    "ss": (("axial", "stage3.axial_sides"),),
}
#: Stage 3: the columns of `severity` that belong to a task's rows.
_LABEL_COLUMNS = {
    "scs": np.arange(20, 25),
    "nfn": np.concatenate([np.arange(0, 5), np.arange(10, 15)]),
    "ss": np.concatenate([np.arange(5, 10), np.arange(15, 20)]),
}
#: Windows of the axial views, and of the sagittal ones, in the crop settings: (kind, side).
_WINDOW = {
    "stage3.sagittal_t2": ("sagittal_t2", "middle"),
    "stage3.axial_middle": ("axial_t2", "middle"),
    "stage3.sagittal_t1": ("sagittal_t1", "left"),
    "stage3.axial_sides": ("axial_t2", "left"),
}


@dataclass
class View:
    """The window that a model reads in an image array. Pixels are those of the (pooled) array."""

    name: str
    array: ArrayOfShards
    #: Slices before and after the ones that a model reads, and the number that it reads.
    room_slices: int
    slices: int
    #: Pixels left of, right of, above and below the window.
    room: tuple[int, int, int, int] = (0, 0, 0, 0)
    #: Crops: array pixels per pixel of the space in which they are cut, along x and y.
    scale: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the window."""
        left, right, top, bottom = self.room
        return self.array.shape[-2] - top - bottom, self.array.shape[-1] - left - right


@dataclass
class Samples:
    """All samples of a task: images by view, targets, and the study and row of each sample."""

    stage: int
    task: str
    #: Pooling factor of the images.
    pooled: int
    views: list[View]
    #: Per sample: index of the study, and row within it.
    study: np.ndarray
    row: np.ndarray
    studies: list[str]
    fold: np.ndarray
    #: Stage 1: [N, outputs, 3]; stage 2: [N, points, 2]; fractions, and z in slices; NaN where unlabelled.
    target: np.ndarray | None = None
    #: Stage 1: real slices of each volume.
    slices: np.ndarray | None = None
    #: Stage 3: class of each sample, and [N, views] whether each view is present.
    label: np.ndarray | None = None
    present: np.ndarray | None = None
    #: Full (unpooled) height and width, to which fractions refer.
    full_size: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.study)

    def split(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the training samples and of the held-out ones."""
        held_out = self.fold == fold
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def load(self, limit: float) -> bool:
        """Read the images into memory if they take at most `limit` bytes. Returns whether it did."""
        if sum(one.array.bytes for one in self.views) > limit:
            return False
        for one in self.views:
            one.array.load()
        return True

    def images(self, index: np.ndarray) -> list[np.ndarray]:
        """One array per view, with its room: [B, slices, height, width] in the dtype of the preparation."""
        within = () if self.stage == 1 else (self.row[index],)
        return [one.array.take(self.study[index], *within) for one in self.views]


def samples_of(data: Prepared, stage: int, task: str) -> Samples:
    """The labelled samples of a task. Raises PreparedError if there are none."""
    samples = {1: _stage1, 2: _stage2, 3: _stage3}[stage](data, task)
    if len(samples) == 0:
        raise PreparedError(f"{data.folders[0]} has no labelled sample of stage {stage}, task {task}")
    return samples


def _made(
    data: Prepared, stage: int, task: str, views: list[View], study: np.ndarray, row: np.ndarray, **rest
) -> Samples:
    folds = np.array([fold_of(one) for one in data.studies])
    return Samples(stage, task, data.pool(stage), views, study, row, data.studies, folds[study], **rest)


def _stage1(data: Prepared, task: str) -> Samples:
    volume = data.array(f"stage1_{task}.volume")
    target = data.array(f"stage1_{task}.target").whole()
    slices = data.array(f"stage1_{task}.slices").whole()
    study = np.flatnonzero((slices > 0) & np.isfinite(target).all(axis=2).any(axis=1))
    view = View("volume", volume, 0, volume.shape[1])
    pool = data.pool(1)
    return _made(
        data, 1, task, [view], study, np.zeros_like(study),
        target=target[study], slices=slices[study], full_size=(volume.shape[2] * pool, volume.shape[3] * pool),
    )  # fmt: skip


def _stage2(data: Prepared, task: str) -> Samples:
    image = data.array(f"stage2_{task}.image")
    target = data.array(f"stage2_{task}.target").whole()
    present = data.array(f"stage2_{task}.present").whole()
    study, row = np.nonzero((present > 0) & np.isfinite(target).all(axis=3).any(axis=2))
    room = int(data.meta["options"].get("xyRoomSlices", 0))
    channels = image.shape[2] - 2 * room
    pool = data.pool(2)
    return _made(
        data, 2, task, [View("image", image, room, channels)], study, row,
        target=target[study, row], full_size=(image.shape[3] * pool, image.shape[4] * pool),
    )  # fmt: skip


def _stage3(data: Prepared, task: str) -> Samples:
    crops = data.meta["settings"]["stage3"]
    room_slices = int(data.meta["options"].get("cropRoomSlices", 0))
    severity = data.array("severity").whole()[:, _LABEL_COLUMNS[task]]
    views, present = [], []
    for name, array_name in VIEWS[task]:
        array = data.array(array_name)
        views.append(_view(data, name, array_name, array, room_slices, crops))
        present.append(data.array(f"{array_name}.present").whole() > 0)
    there = np.stack(present, axis=2)
    study, row = np.nonzero((severity >= 0) & there.any(axis=2))
    return _made(
        data, 3, task, views, study, row,
        label=severity[study, row].astype(np.int64), present=there[study, row],
    )  # fmt: skip


def _view(data: Prepared, name: str, array_name: str, array: ArrayOfShards, room_slices: int, crops: dict) -> View:
    room = _room(data, array_name)
    kind, side = _WINDOW[array_name]
    window = next(one for one in crops["windows"] if (one["kind"], one["side"]) == (kind, side))
    pool = data.pool(3)
    height, width = (side // pool for side in window["to"])
    view = View(
        name, array, room_slices, crops["slices"], room,
        (width / (window["left"] + window["right"]), height / (window["top"] + window["bottom"])),
    )  # fmt: skip
    expected = (room_slices * 2 + crops["slices"], height, width)
    if (array.shape[2], *view.size) != expected:
        raise PreparedError(
            f"{data.folders[0]}: {array_name} holds, without its room, windows of {array.shape[2]} slices of "
            f"{view.size[0]} x {view.size[1]} px; the settings and options say {expected[0]} of {height} x {width}"
        )
    return view


def _room(data: Prepared, array_name: str) -> tuple[int, int, int, int]:
    """Pixels of the array left of, right of, above and below the window."""
    name = array_name.removeprefix("stage3.")
    if name not in data.meta["windows"]:
        raise PreparedError(f"{data.folders[0] / 'prepare.json'} says nothing about the windows of {name}")
    room = data.meta["windows"][name]["room"]
    return tuple(int(room[side]) for side in ("left", "right", "top", "bottom"))

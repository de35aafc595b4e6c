"""Reads the output of `spineline prepare`: folders of shards, each with a `shard.json` and study-major `.npy` arrays.

The arrays are the tensors that the workers feed to the models; depending on the options they are pooled, in fewer bits,
and with room around crops. So training has no image code except augmentation. Arrays are memory-mapped, or read into
memory if they fit. The format: docs/prepared-data.md.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..config import LEVELS

PREPARED = "spineline.prepared/1"
SHARD = "spineline.prepared-shard/1"
#: Conditions in the order of `severity`, five levels each.
CONDITIONS = (
    "left_neural_foraminal_narrowing",
    "left_subarticular_stenosis",
    "right_neural_foraminal_narrowing",
    "right_subarticular_stenosis",
    "spinal_canal_stenosis",
)
_FIELDS = ("dataset", "settings", "options", "shards", "studies", "windows")
#: Fields that must be equal in folders that are used together.
_AGREEING = ("settings", "windows")
_AGREEING_OPTIONS = ("pool", "xyRoomSlices", "cropRoomSlices", "dtype")


class PreparedError(ValueError):
    """Raised for a prepared dataset that training cannot use."""


class ArrayOfShards:
    """One array over all shards: `array[index]` copies the rows of an integer array out of the mapped shards."""

    def __init__(self, parts: list[np.ndarray]) -> None:
        self.parts = parts
        self.starts = np.concatenate([[0], np.cumsum([len(one) for one in parts])]).astype(np.int64)
        self.shape = (int(self.starts[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def load(self) -> None:
        """Read everything into memory, once."""
        whole = np.empty(self.shape, self.dtype)
        for start, part in zip(self.starts, self.parts):
            whole[start : start + len(part)] = part
        self.parts, self.starts = [whole], np.array([0, self.shape[0]])

    def whole(self) -> np.ndarray:
        return np.concatenate([np.asarray(one) for one in self.parts])

    def take(self, rows: np.ndarray, *within: np.ndarray) -> np.ndarray:
        """`array[rows, *within]` for integer arrays of equal length: one item per sample."""
        out = np.empty((len(rows), *self.shape[1 + len(within) :]), self.dtype)
        shards = np.searchsorted(self.starts, rows, side="right") - 1
        for i, shard in enumerate(shards):
            out[i] = self.parts[shard][(rows[i] - self.starts[shard], *(int(one[i]) for one in within))]
        return out


@dataclass
class Prepared:
    """One or several prepared folders, read as one dataset.

    Raises PreparedError, with the folder, what was expected and what was found, if a folder is not a finished prepared
    dataset, if folders differ in the inputs of the models, or if they share a study.
    """

    folders: list[Path]
    meta: dict[str, Any] = field(init=False)
    studies: list[str] = field(init=False)
    #: Digest and name of each folder's dataset.
    datasets: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.folders = [Path(one) for one in self.folders]
        if not self.folders:
            raise PreparedError("no prepared dataset given")
        self.datasets, self.studies, self._shards = [], [], []
        for folder in self.folders:
            meta = _read(folder / "prepare.json", PREPARED, "run `spineline prepare` to the end")
            absent = [key for key in _FIELDS if key not in meta]
            if absent:
                raise PreparedError(f"{folder / 'prepare.json'} has no field {absent[0]}: prepare the dataset again")
            if not self.datasets:
                self.meta = meta
            self._agree(folder, meta)
            self.datasets.append({**meta["dataset"], "studies": meta["studies"]})
            for one in meta["shards"]:
                shard = folder / one["folder"]
                described = _read(shard / "shard.json", SHARD, "run `spineline prepare` again: it makes missing shards")
                self._shards.append((shard, described))
                self.studies += described["studies"]
        twice = [study for study, times in Counter(self.studies).items() if times > 1]
        if twice:
            raise PreparedError(f"{len(twice)} studies are in more than one shard, such as {min(twice)}")
        if not self.studies:
            raise PreparedError(f"{self.folders[0]} holds no study")

    def _agree(self, folder: Path, meta: dict[str, Any]) -> None:
        for what, first, found in [
            *((key, self.meta.get(key), meta.get(key)) for key in _AGREEING),
            *((key, self.meta["options"].get(key), meta["options"].get(key)) for key in _AGREEING_OPTIONS),
        ]:
            if first != found:
                raise PreparedError(
                    f"{folder} was prepared with other {what} than {self.folders[0]}: {found} against {first}; "
                    "folders that are trained on together must agree"
                )

    def array(self, name: str) -> ArrayOfShards:
        """An array over all studies, memory-mapped. Raises PreparedError if a shard has no array of that name."""
        parts = []
        for shard, described in self._shards:
            if name not in described["arrays"]:
                raise PreparedError(f"{shard} has no array {name}; it has {', '.join(sorted(described['arrays']))}")
            entry = described["arrays"][name]
            part = np.load(shard / entry["file"], mmap_mode="r")
            if list(part.shape) != list(entry["shape"]) or len(part) != len(described["studies"]):
                raise PreparedError(f"{shard / entry['file']}: shape {part.shape}, shard.json says {entry['shape']}")
            if parts and (part.shape[1:] != parts[0].shape[1:] or part.dtype != parts[0].dtype):
                raise PreparedError(f"{shard / entry['file']} differs in shape or dtype from the shards before it")
            parts.append(part)
        return ArrayOfShards(parts)

    def pool(self, stage: int) -> int:
        """How many times the arrays of a stage are pooled in height and width."""
        return int(self.meta["options"]["pool"][f"stage{stage}"])

    def class_counts(self, rows: np.ndarray | None = None) -> dict[str, dict[str, list[int]]]:
        """Number of labels per condition, level and severity, over some studies or all."""
        severity = self.array("severity").whole()
        severity = severity if rows is None else severity[rows]
        counts = np.stack([(severity == one).sum(axis=0) for one in range(3)], axis=1).reshape(5, 5, 3)
        return {
            condition: {level: counts[c, i].tolist() for i, level in enumerate(LEVELS)}
            for c, condition in enumerate(CONDITIONS)
        }


def _read(file: Path, schema: str, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        raise PreparedError(f"{file} is missing: {remedy}") from None
    except ValueError as error:
        raise PreparedError(f"{file} is not JSON ({error}): {remedy}") from None
    if content.get("schema") != schema:
        raise PreparedError(f"{file} has the schema {content.get('schema')}, expected {schema}")
    return content

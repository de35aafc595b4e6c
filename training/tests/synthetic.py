"""A prepared dataset of noise and bright blobs, in the format of `spineline prepare`.

Five levels lie one below the other. A blob marks each labelled place, in its own slice, and shrinks with the severity.
That is enough to see that a model learns; it is not anatomy.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from spineline_training.bundle import NORMALISE, RESIZE, crop_settings
from spineline_training.config import LEVELS
from spineline_training.data.prepared import CONDITIONS

ROOM = {"left": 8, "right": 8, "top": 8, "bottom": 8}


def write_prepared(folder, studies=10, seed=0, shard=4, room_slices=2, xy_room_slices=1, first=0):
    """Writes `studies` studies called s<first>... into `folder`; all arrays are uint8, pooled 4, 2 and 2 times."""
    folder = Path(folder)
    random = np.random.default_rng(seed)
    settings = {
        "stage1": {"size": [384, 384], "slices": 32, "normalise": NORMALISE, "resize": RESIZE},
        "stage2": {"size": [512, 512], "channels": 3, "normalise": NORMALISE, "resize": RESIZE},
        "stage3": crop_settings(),
    }
    shards, counts = [], np.zeros((25, 3), int)
    for number, start in enumerate(range(0, studies, shard)):
        ids = [f"s{first + one:05}" for one in range(start, min(studies, start + shard))]
        arrays = _arrays(len(ids), random, room_slices, xy_room_slices)
        name = f"shard-{number:05}"
        (folder / name).mkdir(parents=True)
        for array, values in arrays.items():
            np.save(folder / name / f"{array}.npy", values)
        for one in range(3):
            counts[:, one] += (arrays["severity"] == one).sum(axis=0)
        described = {
            key: {"file": f"{key}.npy", "shape": list(value.shape), "dtype": str(value.dtype)}
            for key, value in arrays.items()
        }
        content = json.dumps({"schema": "spineline.prepared-shard/1", "studies": ids, "arrays": described})
        (folder / name / "shard.json").write_text(content)
        shards.append({"folder": name, "studies": len(ids), "digest": hashlib.sha256(content.encode()).hexdigest()})
    meta = {
        "schema": "spineline.prepared/1",
        "dataset": {"digest": hashlib.sha256(f"{seed} {first} {studies}".encode()).hexdigest(), "name": "blobs"},
        "bundles": {},
        "settings": settings,
        "options": {
            "stages": [1, 2, 3],
            "dtype": "uint8",
            "pool": {"stage1": 4, "stage2": 2, "stage3": 2},
            "xyRoomSlices": xy_room_slices,
            "cropRoomSlices": room_slices,
            "cropRoomPx": 10,
            "studiesPerShard": shard,
        },
        "shards": shards,
        "studies": studies,
        "skipped": [],
        "classShares": {
            condition: {
                level: (counts[c * 5 + i] / max(1, counts[c * 5 + i].sum())).tolist() for i, level in enumerate(LEVELS)
            }
            for c, condition in enumerate(CONDITIONS)
        },
        "windows": {
            name: {"room": ROOM} for name in ("sagittal_t2", "axial_middle", "sagittal_t1", "axial_sides")
        },
    }
    (folder / "prepare.json").write_text(json.dumps(meta))
    return folder


def _arrays(count, random, room_slices, xy_room):
    arrays = {}
    severity = random.choice(3, (count, 25), p=(0.7, 0.2, 0.1)).astype(np.int8)
    severity[random.random((count, 25)) < 0.05] = -1
    arrays["severity"] = severity
    x, y = random.normal(0.5, 0.03, (count, 5)), 0.2 + 0.15 * np.arange(5) + random.normal(0, 0.02, (count, 5))
    place = np.stack([x, y], axis=2)
    for task, outputs in (("scs", 5), ("nfn", 10)):
        slices = random.integers(14, 21, count).astype(np.int32)
        middle = slices[:, None] / 2 + random.integers(-2, 2, (count, 5))
        z = middle if task == "scs" else np.concatenate([middle + 4, middle - 4], axis=1)
        z = np.clip(np.floor(z), 0, slices[:, None] - 1)
        xy = np.tile(place, (1, outputs // 5, 1))
        target = np.concatenate([xy, z[:, :, None]], axis=2).astype(np.float32)
        volume = _noise((count, 32, 96, 96), random)
        for i in range(count):
            volume[i, slices[i] :] = 0
            for x, y, at in target[i]:
                _blob(volume[i, int(at)], x, y, 384, 3.0)
                for beside in (int(at) - 1, int(at) + 1):
                    if 0 <= beside < slices[i]:
                        _blob(volume[i, beside], x, y, 384, 1.5)
        target[random.random((count, outputs)) < 0.05] = np.nan
        arrays |= {f"stage1_{task}.volume": volume, f"stage1_{task}.target": target, f"stage1_{task}.slices": slices}
    for task, images, points in (("scs", 1, 5), ("nfn", 2, 5), ("ss", 5, 2)):
        target = np.empty((count, images, points, 2), np.float32)
        if task == "ss":
            target[..., 0] = np.array([0.6, 0.4]) + random.normal(0, 0.03, (count, images, 1))
            target[..., 1] = 0.5 + random.normal(0, 0.03, (count, images, points))
        else:
            target[:] = place[:, None]
        image = _noise((count, images, 3 + 2 * xy_room, 256, 256), random)
        for i, k, point in np.ndindex(count, images, points):
            for channel in image[i, k]:
                # Each point has its own brightness, because learning to separate equal blobs would take too long.
                _blob(channel, *target[i, k, point], 512, 6.0, 130 + 65 * point // (points - 1))
        present = (random.random((count, images)) < 0.97).astype(np.uint8)
        image[present == 0] = 0
        target[present == 0] = np.nan
        arrays |= {f"stage2_{task}.image": image, f"stage2_{task}.target": target, f"stage2_{task}.present": present}
    sides = {"sagittal_t1": (0, 10), "axial_sides": (5, 15)}
    for name, (height, width, rows) in {
        "sagittal_t2": (64, 112, 5),
        "axial_middle": (128, 128, 5),
        "sagittal_t1": (64, 112, 10),
        "axial_sides": (128, 128, 10),
    }.items():
        if rows == 5:
            label = severity[:, 20:25]
        else:
            left, right = sides[name]
            label = np.concatenate([severity[:, left : left + 5], severity[:, right : right + 5]], axis=1)
        crops = _noise((count, rows, 5 + 2 * room_slices, height + 16, width + 16), random)
        middle = crops.shape[2] // 2
        for i, row in np.ndindex(count, rows):
            for away in (-1, 0, 1):
                size = (9, 6, 3)[label[i, row]] / (1 + abs(away))
                _blob(crops[i, row, middle + away], 0.5, 0.5, 1e9, size)
        present = (random.random((count, rows)) < 0.95).astype(np.uint8)
        crops[present == 0] = 0
        arrays |= {f"stage3.{name}": crops, f"stage3.{name}.present": present}
    return arrays


def _noise(shape, random):
    return random.integers(0, 60, shape, dtype=np.uint8)


def _blob(image, x, y, full, radius, brightness=170):
    """Adds a bright disc at the fractions x, y of an image with the unpooled side `full`."""
    height, width = image.shape
    cx, cy = (x + 0.5 / full) * width - 0.5, (y + 0.5 / full) * height - 0.5
    top, left = max(0, int(cy - 2 * radius)), max(0, int(cx - 2 * radius))
    part = image[top : int(cy + 2 * radius) + 2, left : int(cx + 2 * radius) + 2]
    rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    away = np.hypot(columns - cx, rows - cy)
    part[:] = np.minimum(255, part + brightness * np.clip(radius + 0.5 - away, 0, 1)).astype(np.uint8)

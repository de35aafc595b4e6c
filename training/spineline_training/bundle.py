"""What a bundle's manifest says besides its members: inputs, crop windows, class order and class shares.

The schema is packages/shared/models/bundle.ts. The sizes, percentiles and crop windows are those of docs/pipeline.md,
"Normalising and resizing", "Level slices", "Points" and "Crop plan". Serving reads them only from `bundle.json`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from .config import LEVELS, ConvNeXt3dConfig, EncoderConfig, ModelConfig, SeverityConfig, XyConfig

SCHEMA = "spineline.bundle/1"
UNTRAINED_NOTICE = "The weights are random: these models have not been trained, and their severities mean nothing."

NORMALISE = {"method": "percentile", "low": 1, "high": 99}
RESIZE = {"filter": "bilinear", "antialias": True}
CLASSES = ("normal_mild", "moderate", "severe")

#: Shares of (normal/mild, moderate, severe) that approximate the challenge's training labels. They come from public
#: summaries and were not counted: worst at L4/L5, both sides equal. A bundle trained on labels has the shares counted
#: in them instead.
CLASS_SHARES: dict[str, dict[str, tuple[float, float, float]]] = {
    "scs": {
        "l1_l2": (0.985, 0.011, 0.004),
        "l2_l3": (0.925, 0.050, 0.025),
        "l3_l4": (0.860, 0.090, 0.050),
        "l4_l5": (0.740, 0.140, 0.120),
        "l5_s1": (0.960, 0.025, 0.015),
    },
    "nfn": {
        "l1_l2": (0.970, 0.028, 0.002),
        "l2_l3": (0.910, 0.080, 0.010),
        "l3_l4": (0.790, 0.180, 0.030),
        "l4_l5": (0.620, 0.290, 0.090),
        "l5_s1": (0.670, 0.250, 0.080),
    },
    "ss": {
        "l1_l2": (0.930, 0.055, 0.015),
        "l2_l3": (0.830, 0.130, 0.040),
        "l3_l4": (0.700, 0.215, 0.085),
        "l4_l5": (0.480, 0.300, 0.220),
        "l5_s1": (0.670, 0.220, 0.110),
    },
}
CLASS_SHARES_ORIGIN = "approximate shares of the challenge's training labels"
_CONDITIONS = {
    "left_neural_foraminal_narrowing": "nfn",
    "left_subarticular_stenosis": "ss",
    "right_neural_foraminal_narrowing": "nfn",
    "right_subarticular_stenosis": "ss",
    "spinal_canal_stenosis": "scs",
}

_UPPER_LEVELS = LEVELS[:-1]
_LOWEST_LEVEL = LEVELS[-1:]


def _window(
    kind: str, side: str, levels: tuple[str, ...], around: tuple[int, int, int, int], to: tuple[int, int]
) -> dict[str, Any]:
    left, right, top, bottom = around
    return {
        "kind": kind,
        "side": side,
        "levels": list(levels),
        "left": left,
        "right": right,
        "top": top,
        "bottom": bottom,
        "to": list(to),
    }


def crop_settings() -> dict[str, Any]:
    """Crop windows in px of the 512-space, around the target's point: left, right, top, bottom."""
    sagittal, axial = (128, 224), (256, 256)
    windows = [
        _window("sagittal_t2", "middle", _UPPER_LEVELS, (96, 32, 40, 40), sagittal),
        _window("sagittal_t2", "middle", _LOWEST_LEVEL, (96, 32, 20, 60), sagittal),
        _window("axial_t2", "middle", LEVELS, (96, 96, 96, 96), axial),
    ]
    for side in ("left", "right"):
        windows.append(_window("sagittal_t1", side, _UPPER_LEVELS, (96, 64, 32, 32), sagittal))
        windows.append(_window("sagittal_t1", side, _LOWEST_LEVEL, (96, 64, 22, 42), sagittal))
    windows.append(_window("axial_t2", "left", LEVELS, (48, 144, 96, 96), axial))
    windows.append(_window("axial_t2", "right", LEVELS, (144, 48, 96, 96), axial))
    return {"space": 512, "slices": 5, "normalise": NORMALISE, "resize": RESIZE, "windows": windows}


def stage_fields(stage: int, models: list[ModelConfig]) -> dict[str, Any]:
    """The stage-dependent fields of the manifest; all members must have the same input."""
    if stage == 1:
        size, slices = _agreed([(one.size, one.slices) for one in models if isinstance(one, ConvNeXt3dConfig)])
        return {"input": {"size": list(size), "slices": slices, "normalise": NORMALISE, "resize": RESIZE}}
    if stage == 2:
        size = _agreed([one.size for one in models if isinstance(one, XyConfig)])
        return {"input": {"size": list(size), "channels": 3, "normalise": NORMALISE, "resize": RESIZE}}
    crops = crop_settings()
    crops["slices"] = _agreed([one.slices for one in models if isinstance(one, SeverityConfig)])
    shares = {
        condition: {level: list(CLASS_SHARES[task][level]) for level in LEVELS}
        for condition, task in _CONDITIONS.items()
    }
    return {"crops": crops, "classes": list(CLASSES), "classShares": shares}


def member_fields(file: Path, stage: int, config: ModelConfig, size: str, parameters: int, trained: bool) -> dict:
    """One member of the manifest."""
    kind = config.head if isinstance(config, ConvNeXt3dConfig) else {2: "xy", 3: "severity"}[stage]
    return {
        "file": file.name,
        **size_fields(file),
        "kind": kind,
        "weight": 1,
        "architecture": describe(config, size, parameters),
        "trained": trained,
    }


def size_fields(file: Path) -> dict:
    """The fields of a member that say which bytes it is."""
    content = file.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def precision_fields(precision: str, difference: float | None) -> dict:
    """The fields of a float16 member; none for float32, so that older manifests stay valid.

    Args:
        difference: largest difference of a probability or a fraction from the float32 model (`float16_difference`).
    """
    if precision == "float32":
        return {}
    return {"precision": precision, "float16Difference": float(f"{difference:.2g}")}


def describe(config: ModelConfig, size: str, parameters: int) -> str:
    """The architecture in one line, for readers."""
    count = f"{parameters / 1e6:.1f} M" if parameters >= 1e6 else f"{round(parameters / 1e3)} k"
    if isinstance(config, ConvNeXt3dConfig):
        widths = "-".join(str(one) for one in config.widths)
        return f"ConvNeXt 3D {size}, {config.head} head, {config.pooling} pooling, widths {widths}, {count} parameters"
    encoder = _describe_encoder(config.encoder, size)
    if isinstance(config, XyConfig):
        return f"{encoder}, {config.pooling} pooling, {count} parameters"
    if config.slices_as == "channels":
        return f"{encoder} ({config.encoders}), three slices as channels, {count} parameters"
    return f"2.5D {encoder} ({config.encoders}), bi-LSTM {config.lstm_hidden}, attention pooling, {count} parameters"


def _describe_encoder(encoder: EncoderConfig, size: str) -> str:
    family = {"convnext": "ConvNeXt", "efficientnet_v2": "EfficientNet-v2"}[encoder.family]
    if encoder.variant:
        return f"{family} ({encoder.variant})"
    widths = encoder.widths or tuple(row[5] for row in encoder.blocks)
    return f"{family} {size}, widths {'-'.join(str(one) for one in widths)}"


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _agreed(values: list) -> Any:
    if len(set(values)) != 1:
        raise ValueError(f"the members of a bundle must read the same input, found {sorted(set(values))}")
    return values[0]

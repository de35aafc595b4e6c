"""Configuration of the models: one dataclass a kind of model, read from one JSON file a size (`nano`, `full`).

A stage names its models once and says which of them each task has as members; what follows from the task (how many
outputs, which views) is not configured but fixed here. Unknown fields are errors, so that a misspelt width cannot pass.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

LEVELS = ("l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1")
TASKS = ("scs", "nfn", "ss")

#: Outputs of a stage-1 model: scs the five levels; nfn left five, then right five.
STAGE1_OUTPUTS = {"scs": 5, "nfn": 10}
#: Points of a stage-2 model: the five levels; for ss left, then right.
STAGE2_POINTS = {"scs": 5, "nfn": 5, "ss": 2}
#: Views of a stage-3 model, in the order of the ONNX inputs.
STAGE3_VIEWS = {"scs": ("sagittal", "axial"), "nfn": ("sagittal", "axial"), "ss": ("axial",)}


@dataclass(frozen=True)
class ConvNeXt3dConfig:
    """Stage 1: a 3D ConvNeXt over `[B, 1, slices, height, width]`. Triples are (depth, height, width)."""

    head: str  # "cls" | "reg"
    slices: int = 32
    size: tuple[int, int] = (384, 384)
    #: Average pooling before the stem, in the graph.
    pre_pool: tuple[int, int, int] = (1, 1, 1)
    #: The stem's kernel and stride.
    stem: tuple[int, int, int] = (1, 2, 2)
    #: Kernel and stride between stages; one triple for all, or one a transition.
    downsample: tuple[tuple[int, int, int], ...] = ((2, 2, 2),)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    #: Depthwise kernel; see `DepthwiseConv3d` for how an even depth is padded.
    kernel: tuple[int, int, int] = (2, 7, 7)
    #: "average": the published global average pooling. "heatmap": weighted by a heatmap an output.
    pooling: str = "average"
    #: "native": one Conv3d. "by-depth": one 2D convolution per kernel depth, same weights, faster to train on CPU.
    depthwise: str = "native"
    layer_scale: float = 1e-6
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        _one_of("head", self.head, ("cls", "reg"))
        _one_of("pooling", self.pooling, ("average", "heatmap"))
        _one_of("depthwise", self.depthwise, ("native", "by-depth"))
        if len(self.depths) != len(self.widths):
            raise ValueError(f"depths and widths differ in length: {self.depths}, {self.widths}")
        if len(self.downsample) not in (1, len(self.depths) - 1):
            raise ValueError(f"downsample needs 1 or {len(self.depths) - 1} triples, found {len(self.downsample)}")

    @property
    def transitions(self) -> tuple[tuple[int, int, int], ...]:
        """Stride between stage i and i + 1, one triple a transition."""
        count = len(self.depths) - 1
        return self.downsample if len(self.downsample) == count else self.downsample * count

    @property
    def strides(self) -> tuple[int, int, int]:
        """Input voxels a feature voxel, along depth, height and width."""
        total = [p * s for p, s in zip(self.pre_pool, self.stem)]
        for step in self.transitions:
            total = [t * s for t, s in zip(total, step)]
        return (total[0], total[1], total[2])


@dataclass(frozen=True)
class EncoderConfig:
    """A 2D encoder of torchvision: a published `variant`, or a ConvNeXt or EfficientNet-v2 of the sizes given here."""

    family: str  # "convnext" | "efficientnet_v2"
    #: A torchvision builder such as "convnext_base"; without it the fields below describe the network.
    variant: str | None = None
    #: For a variant: a torchvision weights name ("IMAGENET1K_V1", downloaded by torchvision) or a state-dict file.
    weights: str | None = None
    #: ConvNeXt: blocks and channels a stage; the stem has stride 4, every further stage 2.
    depths: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()
    layer_scale: float = 1e-6
    #: EfficientNet-v2: rows (block "fused" | "mb", expansion, kernel, stride, in, out, layers); the stem has stride 2.
    blocks: tuple[tuple[Any, ...], ...] = ()
    #: EfficientNet-v2: channels of the last 1x1 convolution.
    last_channel: int | None = None
    #: Average pooling before the encoder, in the graph.
    pre_pool: int = 1
    #: Subtract ImageNet's mean and divide by its deviation in the graph, as pretrained weights expect.
    imagenet_statistics: bool = False
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        _one_of("family", self.family, ("convnext", "efficientnet_v2"))
        if self.variant is None and not (self.blocks or self.widths):
            raise ValueError("an encoder needs a variant, or depths and widths, or blocks")
        if self.weights is not None and self.variant is None:
            raise ValueError("pretrained weights need a torchvision variant")


@dataclass(frozen=True)
class XyConfig:
    """Stage 2: an encoder over `[B, 3, height, width]` and a point an output."""

    encoder: EncoderConfig
    size: tuple[int, int] = (512, 512)
    #: "average": the published global average pooling. "soft-argmax": a heatmap's mean position and a learned residual.
    pooling: str = "average"

    def __post_init__(self) -> None:
        _one_of("pooling", self.pooling, ("average", "soft-argmax"))


@dataclass(frozen=True)
class SeverityConfig:
    """Stage 3: every slice through a 2D encoder, a bi-LSTM over the slices, attention pooling, three logits."""

    encoder: EncoderConfig
    slices: int = 5
    #: "per-view": sagittal and axial have an encoder each. "shared": one for both.
    encoders: str = "per-view"
    #: Units of the LSTM a direction.
    lstm_hidden: int = 256
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _one_of("encoders", self.encoders, ("per-view", "shared"))


ModelConfig = ConvNeXt3dConfig | XyConfig | SeverityConfig


@dataclass(frozen=True)
class StageConfig:
    """Named models of a stage, and the names of each task's members in the ensemble's order."""

    models: dict[str, ModelConfig]
    tasks: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Config:
    """All models of a size, and what their bundles are called."""

    size: str
    bundle: str
    version: str
    notice: str
    stages: dict[int, StageConfig] = field(default_factory=dict)

    def members(self, stage: int) -> Iterator[tuple[str, str, ModelConfig]]:
        """(task, member name, model) of a stage, in manifest order."""
        for task, names in self.stages[stage].tasks.items():
            for name in names:
                yield task, name, self.stages[stage].models[name]


_MODEL_OF_STAGE: dict[int, type] = {1: ConvNeXt3dConfig, 2: XyConfig, 3: SeverityConfig}
_TASKS_OF_STAGE = {1: STAGE1_OUTPUTS, 2: STAGE2_POINTS, 3: STAGE3_VIEWS}


def load_config(path: str | Path) -> Config:
    """Read a configuration file. Raises ValueError naming the file and the field that does not fit."""
    path = Path(path)
    try:
        raw = json.loads(path.read_text())
        return Config(
            size=raw["size"],
            bundle=raw["bundle"],
            version=raw["version"],
            notice=raw["notice"],
            stages={stage: _stage_of(stage, raw[f"stage{stage}"]) for stage in (1, 2, 3)},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def model_config_from(stage: int, raw: dict[str, Any]) -> ModelConfig:
    """The model configuration of a stage from its JSON object."""
    raw = {key: _tuples(value) for key, value in raw.items()}
    if "encoder" in raw:
        raw["encoder"] = EncoderConfig(**{key: _tuples(value) for key, value in raw["encoder"].items()})
    return _MODEL_OF_STAGE[stage](**raw)


def model_config_to_json(model: ModelConfig) -> dict[str, Any]:
    """The JSON object that `model_config_from` reads back."""
    return json.loads(json.dumps(dataclasses.asdict(model)))


def _stage_of(stage: int, raw: dict[str, Any]) -> StageConfig:
    models = {name: model_config_from(stage, one) for name, one in raw["models"].items()}
    tasks = {task: tuple(names) for task, names in raw["tasks"].items()}
    if list(tasks) != list(_TASKS_OF_STAGE[stage]):
        raise ValueError(f"stage {stage} needs the tasks {list(_TASKS_OF_STAGE[stage])}, found {list(tasks)}")
    for task, names in tasks.items():
        for name in names:
            if name not in models:
                raise ValueError(f"stage {stage} task {task} names the unknown model {name}")
    return StageConfig(models=models, tasks=tasks)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, found {value}")

"""Configuration of the models: one dataclass per kind of model, read from one JSON file per size (`nano`, `full`).

A stage lists its models once and says which of them are the members of each task. What follows from the task (number of
outputs, views) is fixed here and not configured. Unknown fields are errors, so that a misspelt name is found.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

LEVELS = ("l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1")
TASKS = ("scs", "nfn", "ss")

#: Outputs of a stage-1 model: scs the five levels; nfn first the five left levels, then the five right ones.
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
    #: Kernel and stride between stages: one triple for all, or one per transition.
    downsample: tuple[tuple[int, int, int], ...] = ((2, 2, 2),)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    #: Depthwise kernel; see `DepthwiseConv3d` for how an even depth is padded.
    kernel: tuple[int, int, int] = (2, 7, 7)
    #: "average": global average pooling, as published (docs/pipeline.md, "Level slices"). "heatmap": weighted by one
    #: heatmap per output.
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
        """Stride between stage i and i + 1, one triple per transition."""
        count = len(self.depths) - 1
        return self.downsample if len(self.downsample) == count else self.downsample * count

    @property
    def strides(self) -> tuple[int, int, int]:
        """Input voxels per feature voxel, along depth, height and width."""
        total = [p * s for p, s in zip(self.pre_pool, self.stem)]
        for step in self.transitions:
            total = [t * s for t, s in zip(total, step)]
        return (total[0], total[1], total[2])


@dataclass(frozen=True)
class EncoderConfig:
    """A 2D encoder of torchvision: one of its `variant`s, or a ConvNeXt or EfficientNet-v2 of the sizes given here."""

    family: str  # "convnext" | "efficientnet_v2"
    #: A torchvision builder such as "convnext_base"; without it the fields below describe the network.
    variant: str | None = None
    #: For a variant: a torchvision weights name ("IMAGENET1K_V1", downloaded by torchvision) or a state-dict file.
    weights: str | None = None
    #: ConvNeXt: blocks and channels per stage; the stem has stride 4, every further stage 2.
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
    """Stage 2: an encoder over `[B, 3, height, width]` with one point per output."""

    encoder: EncoderConfig
    size: tuple[int, int] = (512, 512)
    #: "average": global average pooling, as published (docs/pipeline.md, "Points"). "soft-argmax": the mean position of
    #: a heatmap, and a learned residual.
    pooling: str = "average"
    #: Channels of a top-down pyramid that brings coarse features to the encoder's finest grid of at least `stride`
    #: px before the soft-argmax. 0: no pyramid; the heatmap is on the encoder's last, coarsest grid.
    pyramid: int = 0
    #: With a pyramid: px of the input per cell of its heatmap.
    stride: int = 8

    def __post_init__(self) -> None:
        _one_of("pooling", self.pooling, ("average", "soft-argmax"))
        if self.pyramid and self.pooling != "soft-argmax":
            raise ValueError("a pyramid needs soft-argmax pooling")


@dataclass(frozen=True)
class SeverityConfig:
    """Stage 3: every slice through a 2D encoder, a bi-LSTM over the slices, attention pooling, three logits."""

    encoder: EncoderConfig
    slices: int = 5
    #: "sequence": 2.5D, as published (docs/pipeline.md, "Severities"). "channels": the three middle slices are the
    #: channels of one image, whose pooled features are the vector of the view. It has no LSTM, attention or slice loss.
    slices_as: str = "sequence"
    #: "per-view": one encoder for sagittal and one for axial views. "shared": one for both.
    encoders: str = "per-view"
    #: Units of the LSTM per direction.
    lstm_hidden: int = 256
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _one_of("encoders", self.encoders, ("per-view", "shared"))
        _one_of("slices_as", self.slices_as, ("sequence", "channels"))
        if self.slices_as == "channels" and self.slices < 3:
            raise ValueError(f"slices as channels need three slices, found {self.slices}")


ModelConfig = ConvNeXt3dConfig | XyConfig | SeverityConfig

FOLDS = 5


@dataclass(frozen=True)
class AugmentConfig:
    """How training samples are varied. Probabilities are per sample. A strength of zero switches a part off.

    Sources: docs/pipeline.md, "Training-only rules".
    """

    #: Probabilities of a slice shift by 0, 1, 2, ... in either direction, like the errors of stage 1 (stages 2 and 3).
    slice_shift: tuple[float, ...] = (0.65, 0.30, 0.05)
    #: Largest shift of a crop's centre along x and y, in px of the 512 x 512 space in which crops are cut (stage 3).
    centre_shift: float = 10.0
    #: Shift-scale-rotate, applied with this probability ...
    affine: float = 0.9
    #: ... of at most this fraction of the image's size (stages 1 and 2; a crop has its centre shift), ...
    shift: float = 0.06
    #: ... scaled by a factor of up to 1 + this, or down to 1 / (1 + this), ...
    scale: float = 0.1
    #: ... and rotated by at most this many degrees.
    rotate: float = 10.0
    #: Contrast is multiplied by up to 1 + this or down to 1 / (1 + this), around 0.5. Brightness: largest change.
    contrast: float = 0.2
    brightness: float = 0.1
    #: Probability of the mirror image of the patient, with left and right exchanged.
    mirror: float = 0.5
    #: Largest number of real slices dropped at either end of the volume; labelled ones are kept (stage 1).
    drop_slices: int = 2
    #: Probability that a view is replaced by zeros (stage 3, tasks with two views).
    drop_view: float = 0.02


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained."""

    batch: int = 16
    #: Passes over the training folds, if neither steps nor minutes are given.
    epochs: float = 20
    #: Peak learning rate of AdamW: linear warm-up, then cosine to zero.
    lr: float = 1e-3
    #: Not applied to biases, norms and layer scales.
    weight_decay: float = 0.05
    #: Fraction of the steps used for warm-up.
    warm_up: float = 0.05
    #: Decay of the exponential moving average of the weights, which is evaluated and kept. 0: keep the last weights.
    ema: float = 0.998
    #: Largest norm of the gradient.
    clip: float = 5.0
    #: Mixed precision, on CUDA only.
    amp: bool = True
    #: Weight of the L1 loss of coordinates (fractions of the image), in addition to the heatmap's cross-entropy.
    coordinate_weight: float = 32.0
    #: Models with heatmaps: weight of their cross-entropy, and standard deviation of its target in cells.
    heatmap_weight: float = 1.0
    heatmap_sigma: float = 0.75
    #: Stage 3: weights of the cross-entropy of the sub-heads and of the labelled slice (0: without).
    sub_weight: float = 0.5
    aux_weight: float = 0.5
    #: Stage 3: weights of normal/mild, moderate and severe in the loss; the challenge's metric has 1, 2, 4.
    class_weights: tuple[float, float, float] = (1.0, 2.0, 4.0)
    #: How often the held-out fold is evaluated, the last time at the end. It selects nothing.
    validations: int = 4
    augment: AugmentConfig = AugmentConfig()


@dataclass(frozen=True)
class StageConfig:
    """Named models of a stage, the names of each task's members in the ensemble's order, and how they are trained."""

    models: dict[str, ModelConfig]
    tasks: dict[str, tuple[str, ...]]
    #: (task, member) -> recipe.
    recipes: dict[tuple[str, str], TrainingConfig] = field(default_factory=dict)
    #: member -> the fold that it holds out in a shipped ensemble.
    folds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """All models of a size, with name, version and notice of their bundles."""

    size: str
    bundle: str
    version: str
    #: Shown with every output.
    notice: str
    #: Added to the notice when the models are trained; says on which data.
    trained_notice: str = ""
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
            trained_notice=raw.get("trained_notice", ""),
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
    training = raw.get("training", {})
    folds = {name: index % FOLDS for index, name in enumerate(models)} | training.get("folds", {})
    _known("folds", folds, models)
    if any(not 0 <= fold < FOLDS for fold in folds.values()):
        raise ValueError(f"stage {stage}: folds are 0 to {FOLDS - 1}, found {folds}")
    recipes = _recipes_of(tasks, {key: value for key, value in training.items() if key != "folds"})
    return StageConfig(models=models, tasks=tasks, recipes=recipes, folds=folds)


def _recipes_of(tasks: dict[str, tuple[str, ...]], raw: dict[str, Any]) -> dict[tuple[str, str], TrainingConfig]:
    """The stage's own fields, overridden for a task ("ss"), a member ("reg") and a task's member ("nfn-reg")."""
    raw = dict(raw)
    overrides = raw.pop("overrides", {})
    members = [(task, name) for task, names in tasks.items() for name in names]
    _known("overrides", overrides, {one for task, name in members for one in (task, name, f"{task}-{name}")})
    recipes = {}
    for task, name in members:
        own = training_config_from(raw)
        for key in (task, name, f"{task}-{name}"):
            own = training_config_from(overrides.get(key, {}), own)
        recipes[task, name] = own
    return recipes


def training_config_from(raw: dict[str, Any], base: TrainingConfig = TrainingConfig()) -> TrainingConfig:
    """`base` with the fields of a JSON object; `augment` may give some of its fields only."""
    raw = {key: _tuples(value) for key, value in raw.items()}
    if "augment" in raw:
        augment = {key: _tuples(value) for key, value in raw["augment"].items()}
        raw["augment"] = dataclasses.replace(base.augment, **augment)
    return dataclasses.replace(base, **raw)


def _known(what: str, found: Any, allowed: Any) -> None:
    unknown = sorted(set(found) - set(allowed))
    if unknown:
        known = ", ".join(sorted(allowed))
        raise ValueError(f"{what} of training name the unknown {', '.join(unknown)}; known: {known}")


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, found {value}")

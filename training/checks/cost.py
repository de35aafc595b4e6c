"""Estimates what training a configuration costs. It computes no tensor and needs no GPU.

    python3 checks/cost.py --config configs/full.json --studies 1975

Every model runs once on torch's meta device, which has shapes but no values. This counts the multiply-accumulates (MAC)
of convolutions, linear layers and LSTMs, not those of norms, activations, pooling and sums. A training step counts as
three forward passes (the backward pass computes one gradient for the inputs and one for the weights):

    hours = samples x epochs x 3 x 2 FLOP x (dense MAC / dense speed + depthwise MAC / depthwise speed)

with speed = peak x utilisation. Depthwise convolutions cannot use a GPU's matrix units, and read and write as much
memory as dense ones, so they have a separate, far lower utilisation. Not counted: reading and augmenting samples, the
optimiser, the moving average, evaluation. The utilisations are assumptions, not measurements.

Memory is what autograd keeps for the backward pass of a batch, at 2 bytes per element; with mixed precision some
elements take 4. Weights, gradients, AdamW's two moments and the average take another 20 bytes per parameter.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spineline_training.config import FOLDS, LEVELS, Config, ModelConfig, TrainingConfig, load_config  # noqa: E402
from spineline_training.models import build_model  # noqa: E402
from spineline_training.patterns import input_shapes  # noqa: E402

#: Samples per study with all labels, as data/tasks.py counts them: volumes; images; targets.
SAMPLES_A_STUDY = {
    1: {"scs": 1, "nfn": 1},
    2: {"scs": 1, "nfn": 2, "ss": len(LEVELS)},
    3: {"scs": len(LEVELS), "nfn": 2 * len(LEVELS), "ss": 2 * len(LEVELS)},
}
#: Forward, and backward for inputs and for weights.
PASSES = 3
FLOP_A_MAC = 2
#: The data sheet of NVIDIA's A100: TFLOP/s in bfloat16 on matrix units, without sparsity.
PEAK_TFLOPS = 312.0
UTILISATION = (0.25, 0.35)
#: 1 to 3 TFLOP/s on an A100, whose other units (not the matrix units) reach 19.5 in float32.
DEPTHWISE_UTILISATION = (0.003, 0.01)
#: Weight, gradient, two moments and the average, float32.
BYTES_A_PARAMETER = 5 * 4


@dataclass(frozen=True)
class Count:
    """Counts of one forward pass of a batch."""

    #: Multiply-accumulates of depthwise convolutions, and of everything else that is counted.
    depthwise: int
    dense: int
    #: Elements of all tensors that autograd keeps for the backward pass, without the parameters.
    kept: int

    @property
    def macs(self) -> int:
        return self.depthwise + self.dense


@dataclass(frozen=True)
class Cost:
    """Cost of one member on one fold."""

    name: str
    parameters: int
    #: Of one sample.
    count: Count
    batch: int
    #: Samples per epoch, and number of epochs.
    samples: int
    epochs: float

    @property
    def gigabytes(self) -> float:
        """Least memory of a training step: 2 bytes per kept element, and 20 bytes per parameter."""
        return (2 * self.count.kept * self.batch + BYTES_A_PARAMETER * self.parameters) / 1e9

    def hours(self, peak: float, dense: float, depthwise: float) -> float:
        """GPU hours at a peak in FLOP/s and the utilisations of the two kinds of layers."""
        seconds = self.count.dense / (peak * dense) + self.count.depthwise / (peak * depthwise)
        return self.samples * self.epochs * PASSES * FLOP_A_MAC * seconds / 3600


def count_forward(model: nn.Module, shapes: list[tuple[int, ...]]) -> Count:
    """Count a forward pass on inputs of these shapes. The model is moved to the meta device, so its weights are lost.

    Raises ValueError for a layer with weights that it cannot count.
    """
    model = model.to("meta")
    macs = {True: 0, False: 0}
    hooks = []
    for name, layer in model.named_modules():
        if any(True for _ in layer.parameters(recurse=False)) and not _counted(layer) and not _free(layer):
            raise ValueError(f"{name} is a {type(layer).__name__}, whose multiply-accumulates are not known here")
        if _counted(layer):

            def add(one: nn.Module, inputs: tuple[Tensor, ...], output) -> None:
                macs[_depthwise(one)] += _macs(one, inputs[0], output)

            hooks.append(layer.register_forward_hook(add))
    own = {one.storage()._cdata for one in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # Tensors that share their storage count once. Held until the end, so that no other tensor reuses the storage.
        kept[tensor.storage()._cdata] = tensor
        return tensor

    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(*(torch.empty(shape, device="meta") for shape in shapes))
    finally:
        for one in hooks:
            one.remove()
    elements = sum(one.storage().nbytes() // one.element_size() for key, one in kept.items() if key not in own)
    return Count(depthwise=macs[True], dense=macs[False], kept=elements)


def _counted(layer: nn.Module) -> bool:
    return isinstance(layer, (nn.Conv2d, nn.Conv3d, nn.Linear, nn.LSTM))


def _free(layer: nn.Module) -> bool:
    """Norms, and modules whose own parameter is a factor: one multiplication per element, not counted."""
    norms = (nn.LayerNorm, nn.modules.batchnorm._BatchNorm)
    own = {name for name, _ in layer.named_parameters(recurse=False)}
    return isinstance(layer, norms) or own in ({"layer_scale"}, {"sharpness"})


def _depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, (nn.Conv2d, nn.Conv3d)) and layer.groups == layer.in_channels > 1


def _macs(layer: nn.Module, x: Tensor, output) -> int:
    if isinstance(layer, nn.LSTM):
        # Four gates, each of the input (for later layers both directions' outputs) and of the hidden state.
        directions, hidden = 1 + layer.bidirectional, layer.hidden_size
        widths = [layer.input_size, *[directions * hidden] * (layer.num_layers - 1)]
        steps = x.numel() // layer.input_size
        return steps * directions * sum(4 * hidden * (width + hidden) for width in widths)
    # The first axis of a weight is the output channels; the sum runs over all others, once per output element.
    return output.numel() * layer.weight[0].numel()


def cost_of(name: str, stage: int, task: str, model: ModelConfig, recipe: TrainingConfig, studies: int) -> Cost:
    """The cost of a member on one fold, trained for the epochs of its recipe on the other folds of so many studies."""
    built = build_model(task, model).train()
    # Counted in a batch of two, which batch norms need in training.
    two = count_forward(built, list(input_shapes(model, built, 2).values()))
    return Cost(
        name=name,
        parameters=sum(one.numel() for one in built.parameters()),
        count=Count(two.depthwise // 2, two.dense // 2, two.kept // 2),
        batch=recipe.batch,
        samples=round(studies * (FOLDS - 1) / FOLDS) * SAMPLES_A_STUDY[stage][task],
        epochs=recipe.epochs,
    )


def costs_of(config: Config, studies: int) -> list[Cost]:
    """Every member of a configuration, on one fold."""
    return [
        cost_of(f"stage{stage}-{task}-{name}", stage, task, model, config.stages[stage].recipes[task, name], studies)
        for stage in config.stages
        for task, name, model in config.members(stage)
    ]


def table(costs: list[Cost], peak: float, dense: tuple[float, float], depthwise: tuple[float, float]) -> str:
    """One line per member, and the sums; hours for the higher and the lower utilisation."""

    def between(chosen: list[Cost], times: int = 1) -> str:
        low, high = (times * sum(one.hours(peak, dense[i], depthwise[i]) for one in chosen) for i in (1, 0))
        return f"{low:.1f}-{high:.1f}"

    rows = [("model", "M param.", "GMAC", "depthwise", "samples", "epochs", "batch", "GB", "GPU hours")]
    for one in costs:
        rows.append(
            (
                one.name,
                f"{one.parameters / 1e6:.1f}",
                f"{one.count.macs / 1e9:.1f}",
                f"{100 * one.count.depthwise / one.count.macs:.1f} %",
                f"{one.samples}",
                f"{one.epochs:g}",
                f"{one.batch}",
                f"{one.gigabytes:.0f}",
                between([one]),
            )
        )
    blank = ("",) * 7
    for stage in sorted({one.name.split("-")[0] for one in costs}):
        rows.append((stage, *blank, between([one for one in costs if one.name.startswith(f"{stage}-")])))
    rows.append(("each member's own fold", *blank, between(costs)))
    rows.append((f"all {FOLDS} folds", *blank, between(costs, FOLDS)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        for row in rows
    )


def _range(text: str) -> tuple[float, float]:
    values = tuple(float(one) for one in text.split(","))
    if len(values) != 2 or not 0 < values[0] <= values[1] <= 1:
        raise argparse.ArgumentTypeError(f"two shares of the peak are needed, such as 0.25,0.35; found {text}")
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", required=True, type=Path, help="models and recipes, such as configs/full.json")
    parser.add_argument("--studies", required=True, type=int, help="labelled studies; a fold trains on 4/5 of them")
    parser.add_argument("--peak", type=float, default=PEAK_TFLOPS, help=f"TFLOP/s, default {PEAK_TFLOPS:g}: an A100")
    parser.add_argument("--utilisation", type=_range, default=UTILISATION, help="default 0.25,0.35")
    parser.add_argument("--depthwise-utilisation", type=_range, default=DEPTHWISE_UTILISATION, help="default 0.003,0.01")
    options = parser.parse_args()
    torch.set_num_threads(1)
    costs = costs_of(load_config(options.config), options.studies)
    print(table(costs, options.peak * 1e12, options.utilisation, options.depthwise_utilisation))
    pairs = (options.utilisation, options.depthwise_utilisation)
    dense, depthwise = ("-".join(f"{100 * one:g}" for one in pair) for pair in pairs)
    print(
        f"\nEstimated, not measured: {options.peak:g} TFLOP/s at {dense} % for dense layers and {depthwise} % for "
        "depthwise ones, three passes per step; without data loading, optimiser and evaluation. GMAC: one sample's "
        "forward pass. GB: the least that a training step needs."
    )


if __name__ == "__main__":
    main()

"""Writes the golden numbers that the tests of packages/shared check without Python.

    /usr/bin/python3 training/reference/make_fixtures.py

Passes small arrays from a fixed seed through the reference, and writes inputs and outputs to
packages/shared/test/fixtures. Run it again only when a preprocessing rule changes, and say so in the changelog. It
needs numpy and torch. The fixtures contain no image of a person.
"""

import json
from pathlib import Path

import numpy as np
import torch

import preprocess

FIXTURES = Path(__file__).resolve().parents[2] / "packages" / "shared" / "test" / "fixtures"
NORMALISE = {"method": "percentile", "low": 1, "high": 99}


def values(array):
    """An array for JSON: its shape, and its values to nine significant digits, which is the precision of float32."""
    return {"shape": list(array.shape), "values": [float(f"{value:.9g}") for value in np.ravel(array)]}


def golden(random):
    def scan(height, width):
        return random.integers(0, 4096, (height, width)).astype(np.float32)

    cases = {
        "made": "python3 training/reference/make_fixtures.py",
        "with": {"numpy": np.__version__, "torch": torch.__version__},
        "resize": [],
    }
    for (height, width), size, antialias in [
        ((13, 17), (5, 6), True),
        ((13, 17), (5, 6), False),
        ((6, 5), (13, 16), True),
        ((6, 5), (13, 16), False),
        ((9, 4), (4, 9), True),
        ((1, 7), (3, 2), True),
    ]:
        image = scan(height, width)
        cases["resize"].append(
            {
                "input": values(image),
                "size": size,
                "antialias": antialias,
                "output": values(preprocess.resize(image, size, antialias)),
            }
        )

    stacks = [np.float32(random.normal(0, 50, 101)), np.float32(random.integers(-3, 4, 80))]
    cases["percentiles"] = {
        "input": [values(stack) for stack in stacks],
        "output": [
            [low, high, *preprocess.percentile_pair(stacks, {"low": low, "high": high})]
            for low, high in [(1, 99), (0, 100), (2.5, 97.5), (50, 50), (33.3, 66.6)]
        ],
    }

    cases["volume"] = []
    for shapes, depth, antialias in [
        ([(12, 15), (12, 15), (20, 9)], 5, True),
        ([(12, 15)] * 7, 4, True),
        ([(6, 5)] * 2, 2, False),
    ]:
        settings = {"size": [8, 10], "slices": depth, "normalise": NORMALISE, "resize": {"antialias": antialias}}
        images = [scan(*shape) for shape in shapes]
        tensor, slice_of, constant = preprocess.volume(images, settings)
        cases["volume"].append(
            {
                "input": [values(image) for image in images],
                "settings": settings,
                "output": values(tensor),
                "sliceOf": slice_of,
                "constant": constant,
            }
        )

    settings = {"size": [12, 12], "normalise": NORMALISE, "resize": {"antialias": True}}
    images = [scan(18, 14), scan(18, 14), scan(9, 10)]
    tensor, constant = preprocess.xy(images, settings)
    cases["xy"] = {
        "input": [values(image) for image in images],
        "settings": settings,
        "output": values(tensor),
        "constant": constant,
    }

    settings = {"space": 16, "normalise": NORMALISE, "resize": {"antialias": True}}
    images = [scan(20, 24), scan(20, 24), scan(11, 13)]
    stack, constant = preprocess.crop_space(images, settings)
    windows = [
        {"centre": [8.49, 7.5], "window": {"left": 6, "right": 2, "top": 3, "bottom": 3, "to": [8, 14]}},
        {"centre": [1.2, 14.6], "window": {"left": 6, "right": 6, "top": 6, "bottom": 6, "to": [8, 8]}},
        {"centre": [-30, 5], "window": {"left": 4, "right": 4, "top": 4, "bottom": 4, "to": [4, 4]}},
    ]
    cases["crops"] = {
        "input": [values(image) for image in images],
        "settings": settings,
        "constant": constant,
        "space": values(stack),
        "cuts": [
            {**cut, "output": values(preprocess.cut_crop(stack, cut["centre"], cut["window"], True))}
            for cut in windows
        ],
    }
    return cases


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    cases = golden(np.random.default_rng(20240731))
    (FIXTURES / "imaging-golden.json").write_text(json.dumps(cases) + "\n")

    npy = FIXTURES / "npy"
    npy.mkdir(exist_ok=True)
    for name, array in {
        "f2": np.array([[0.5, -1.25, 65504], [np.inf, 6e-8, -0.0]], dtype="<f2"),
        "f4": np.linspace(-1, 1, 24, dtype="<f4").reshape(2, 3, 4),
        "f8": np.array([np.pi, -np.e], dtype="<f8"),
        "i4": np.array([-(2**31), 2**31 - 1, 0], dtype="<i4"),
        "i2": np.array([[-32768], [32767]], dtype="<i2"),
        "u1": np.arange(256, dtype="|u1"),
        "scalar": np.array(7, dtype="<i4"),
        "empty": np.zeros((0, 5), dtype="<f4"),
    }.items():
        np.save(npy / f"{name}.npy", array)
    # Inputs that must be refused.
    np.save(npy / "refused-fortran.npy", np.asfortranarray(np.arange(6, dtype="<f4").reshape(2, 3)))
    np.save(npy / "refused-big-endian.npy", np.arange(3, dtype=">f4"))
    np.save(npy / "refused-complex.npy", np.zeros(2, dtype="<c8"))


if __name__ == "__main__":
    main()

"""The input tensors of the three stages, written independently with numpy and torch.

This is the reference for packages/shared/imaging. Training does not use it: training reads tensors that the TypeScript
code wrote. It follows docs/pipeline.md and the bundle's settings, and shares no code with the TypeScript. All pixel
arrays are float32; `settings` are the dictionaries of a bundle's manifest.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F


def resize(image, size, antialias):
    """Resize [height, width] to `size` = (height, width): bilinear, half-pixel centres.

    Computed in float64: with float32 input torch also computes the source coordinates in float32. At 640 px that moves
    them by about 1e-5 px, and the result by up to about 1e-4 of the range.

    NaN is padding: it is mixed in as the lowest value. A pixel that is made of half or more padding is NaN again.
    """
    padding = np.isnan(image)
    if padding.any():
        lowest = 0 if padding.all() else np.nanmin(image)
        resized = resize(np.where(padding, lowest, image), size, antialias)
        return np.where(resize(padding.astype(np.float32), size, antialias) >= 0.5, np.nan, resized)
    batch = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float64))[None, None]
    resized = F.interpolate(batch, size=tuple(size), mode="bilinear", align_corners=False, antialias=antialias)
    return resized[0, 0].numpy().astype(np.float32)


def percentile_pair(arrays, settings):
    """The two percentiles of all finite values of `arrays` together, as floats; (0, 0) if there are none."""
    values = np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 0.0
    low, high = np.percentile(values, [settings["low"], settings["high"]])
    return float(low), float(high)


def normalise(array, low, high):
    """Scale to [0, 1] with clipping; zeros if the percentiles are equal, and where a value is not finite."""
    if not high > low:
        return np.zeros(array.shape, dtype=np.float32)
    scaled = (array.astype(np.float64) - low) / (high - low)
    scaled = np.where(np.isfinite(scaled), np.clip(scaled, 0, 1), 0)
    return scaled.astype(np.float32)


def slices_of_depth(count, depth):
    """The real slice at each position: all if they fit, else the one at floor((i + 1/2) * count / depth)."""
    if count <= depth:
        return list(range(count))
    return [math.floor((i + 0.5) * count / depth) for i in range(depth)]


def volume(slices, settings):
    """Stage 1: ordered slices -> ([depth, height, width], indices of the real slices, whether it was constant).

    Choose slices, resize each, normalise the stack, pad with zeros at the end.
    """
    chosen = slices_of_depth(len(slices), settings["slices"])
    stack = np.stack([resize(slices[i], settings["size"], settings["resize"]["antialias"]) for i in chosen])
    low, high = percentile_pair([stack], settings["normalise"])
    tensor = np.zeros((settings["slices"], *settings["size"]), dtype=np.float32)
    tensor[: len(chosen)] = normalise(stack, low, high)
    return tensor, chosen, not high > low


def xy(slices, settings):
    """Stage 2: three slices -> ([3, height, width], whether it was constant). Normalise together, then resize."""
    low, high = percentile_pair(slices, settings["normalise"])
    channels = [
        resize(normalise(image, low, high), settings["size"], settings["resize"]["antialias"]) for image in slices
    ]
    return np.stack(channels), not high > low


def crop_space(slices, settings):
    """Stage 3: slices -> ([slices, space, space], whether it was constant). Resize each, then normalise together."""
    size = (settings["space"], settings["space"])
    stack = np.stack([resize(image, size, settings["resize"]["antialias"]) for image in slices])
    low, high = percentile_pair([stack], settings["normalise"])
    return normalise(stack, low, high), not high > low


def cut_crop(stack, centre, window, antialias):
    """A window around `centre` = (x, y), px of the space, of [slices, space, space] -> [slices, *window["to"]].

    The space is padded with enough zeros for every window, and then sliced.
    """
    x = math.floor(centre[0] + 0.5)
    y = math.floor(centre[1] + 0.5)
    space = stack.shape[-1]
    reach = max(window[side] for side in ("left", "right", "top", "bottom"))
    margin = reach + max(0, -x, -y, x - space, y - space)
    padded = np.pad(stack, ((0, 0), (margin, margin), (margin, margin)))
    cut = padded[
        :,
        margin + y - window["top"] : margin + y + window["bottom"],
        margin + x - window["left"] : margin + x + window["right"],
    ]
    return np.stack([resize(image, window["to"], antialias) for image in cut])


def central_slices(index, radius, count):
    """index - radius .. index + radius, clamped to the series."""
    return [int(i) for i in np.clip(np.arange(index - radius, index + radius + 1), 0, count - 1)]

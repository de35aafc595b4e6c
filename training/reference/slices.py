"""Reads slices for the reference: DICOM through pydicom, or .npy with pixel values only."""

from pathlib import Path

import numpy as np

import geometry


def read_pixels(path, kind=None):
    """The values of one slice, float32 [rows, columns]; NaN where it is padding.

    DICOM: stored values times Rescale Slope plus Rescale Intercept. MONOCHROME1, where high values are dark, is
    negated; the offset of that inversion has no effect, because values are normalised by percentiles. With `kind` the
    slice is turned into the canonical orientation of that kind of series.
    """
    if Path(path).suffix == ".npy":
        return np.load(path).astype(np.float32)
    import pydicom

    dataset = pydicom.dcmread(path)
    stored = dataset.pixel_array
    values = stored.astype(np.float64)
    values = values * float(dataset.get("RescaleSlope", None) or 1) + float(dataset.get("RescaleIntercept", None) or 0)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        values = -values
    if "PixelPaddingValue" in dataset:
        ends = sorted([dataset.PixelPaddingValue, dataset.get("PixelPaddingRangeLimit", dataset.PixelPaddingValue)])
        values[(stored >= ends[0]) & (stored <= ends[1])] = np.nan
    if kind is not None:
        values = geometry.canonical(values, [float(value) for value in dataset.ImageOrientationPatient], kind)
    return values.astype(np.float32)


def read_plane(path):
    """The plane of one DICOM slice, in the format of geometry.py."""
    import pydicom

    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return {
        "rows": int(dataset.Rows),
        "columns": int(dataset.Columns),
        "position": [float(value) for value in dataset.ImagePositionPatient],
        "orientation": [float(value) for value in dataset.ImageOrientationPatient],
        "spacing": [float(value) for value in dataset.PixelSpacing],
        "instanceNumber": int(dataset.InstanceNumber),
    }

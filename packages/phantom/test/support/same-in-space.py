"""Compares two phantom datasets pixel by pixel in patient space, with pydicom and numpy alone.

    python3 same-in-space.py PLAIN TURNED

For every file of PLAIN the file of the same name in TURNED must show the same value at the same point of the patient.
Prints as JSON how many slices were compared, how many values differ, and the largest distance in mm of any pixel from
the point where it should be. Equation C.7.6.2.1-1 of DICOM PS3.3 places the pixels.
"""
import glob, json, os, sys
import numpy as np
import pydicom

plain, turned = sys.argv[1:3]


def points(ds):
    """[rows, columns, 3] in mm."""
    position = np.array(ds.ImagePositionPatient, float)
    row, column = np.array(ds.ImageOrientationPatient[:3], float), np.array(ds.ImageOrientationPatient[3:], float)
    between_rows, between_columns = map(float, ds.PixelSpacing)
    y, x = np.mgrid[0 : ds.Rows, 0 : ds.Columns]
    return position + x[..., None] * between_columns * row + y[..., None] * between_rows * column


def pixel_of(ds, where):
    """Column and row as fractions, and the distance from the plane in mm."""
    offset = where - np.array(ds.ImagePositionPatient, float)
    row, column = np.array(ds.ImageOrientationPatient[:3], float), np.array(ds.ImageOrientationPatient[3:], float)
    return (
        offset @ row / float(ds.PixelSpacing[1]),
        offset @ column / float(ds.PixelSpacing[0]),
        np.abs(offset @ np.cross(row, column)),
    )


slices, different, furthest, shapes = 0, 0, 0.0, set()
for name in sorted(glob.glob(f"{plain}/train_images/*/*/*.dcm")):
    a = pydicom.dcmread(name)
    b = pydicom.dcmread(os.path.join(turned, os.path.relpath(name, plain)))
    x, y, off = pixel_of(a, points(b))
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    furthest = max(
        furthest,
        off.max(),
        np.abs(x - column).max() * float(a.PixelSpacing[1]),
        np.abs(y - row).max() * float(a.PixelSpacing[0]),
    )
    pixels = row.ravel() * a.Columns + column.ravel()
    assert (np.bincount(pixels, minlength=a.Rows * a.Columns) == 1).all(), name
    different += int((a.pixel_array[row, column] != b.pixel_array).sum())
    slices += 1
print(json.dumps({"slices": slices, "different": different, "furthestMm": furthest}))

"""Slices in patient space, written independently with numpy: order, pixel to patient, nearest plane.

The reference for packages/shared/geometry. A plane is a dictionary with `rows`, `columns`, `position` (3),
`orientation` (6), `spacing` (2: between rows, between columns) and `instanceNumber`; all lengths in mm (LPS).
"""

import numpy as np

REPEAT_DISTANCE_MM = 0.01
REPEAT_COSINE = 0.001
TIE_MM = 0.001
MISMATCH_COSINE = 0.5
GAP_FACTOR = 1.5
NEAREST_TIE_MM = 1e-6

AXES = {"sagittal": np.array([1.0, 0, 0]), "coronal": np.array([0, 1.0, 0]), "axial": np.array([0, 0, -1.0])}


def affine(plane):
    """The 4 x 4 matrix from (column index, row index, mm along the normal, 1) to patient coordinates.

    DICOM PS3.3 C.7.6.2.1.1: the first spacing belongs to rows, so it multiplies the direction down a column.
    """
    row, column = np.asarray(plane["orientation"], dtype=np.float64).reshape(2, 3)
    matrix = np.eye(4)
    matrix[:3, 0] = row * plane["spacing"][1]
    matrix[:3, 1] = column * plane["spacing"][0]
    matrix[:3, 2] = normal(plane)
    matrix[:3, 3] = plane["position"]
    return matrix


def normal(plane):
    row, column = np.asarray(plane["orientation"], dtype=np.float64).reshape(2, 3)
    cross = np.cross(row, column)
    return cross / np.linalg.norm(cross)


def pixel_to_patient(plane, x, y):
    return (affine(plane) @ [x, y, 0, 1])[:3]


def patient_to_pixel(plane, point):
    """(x, y, signed distance in mm) of a point, by inverting the matrix."""
    return np.linalg.solve(affine(plane), [*point, 1])[:3]


def plane_kind(plane):
    x, y, z = np.abs(normal(plane))
    if x >= y and x >= z:
        return "sagittal"
    return "axial" if z >= y else "coronal"


def canonical(image, orientation, kind):
    """An image [rows, columns] turned to the axes of its kind, by a transpose and flips only.

    The cosines of the two stored directions with the two wanted ones are a 2 x 2 matrix. Its larger diagonal says which
    axis is which; the signs on it say which axes are reversed.
    """
    row, column = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    wanted = [[1, 0, 0], [0, 1, 0]] if kind == "axial_t2" else [[0, 1, 0], [0, 0, -1]]
    cosines = np.asarray(wanted, dtype=np.float64) @ np.stack([row, column], axis=1)
    if abs(cosines[0, 1]) + abs(cosines[1, 0]) > abs(cosines[0, 0]) + abs(cosines[1, 1]) + 1e-9:
        image, cosines = image.T, cosines[:, ::-1]
    if cosines[0, 0] < 0:
        image = np.fliplr(image)
    if cosines[1, 1] < 0:
        image = np.flipud(image)
    return image


def nearest_plane(planes, point):
    """(index, distance in mm) of the plane nearest to a point; on ties the first one."""
    distances = np.array([abs(patient_to_pixel(plane, point)[2]) for plane in planes])
    index = int(np.flatnonzero(distances <= distances.min() + NEAREST_TIE_MM)[0])
    return index, float(distances[index])


def order(planes, kind):
    """Indices into `planes`: dict of ordered, repeated, mismatched, gaps (pairs of index and mm), asPromised."""
    if not planes:
        return {"ordered": [], "repeated": [], "mismatched": [], "gaps": [], "asPromised": True}
    by_number = sorted(range(len(planes)), key=lambda i: _identity(planes[i]))
    normals = np.array([normal(plane) for plane in planes])
    axis = AXES["axial" if kind == "axial_t2" else "sagittal"]
    near = np.abs(normals @ axis) >= MISMATCH_COSINE
    as_promised = bool(near.any())
    if not as_promised:
        alike = np.abs(normals @ normals.T) >= MISMATCH_COSINE
        best = max(by_number, key=lambda i: alike[i].sum())  # max() keeps the first on ties
        axis = normals[best] * (-1 if normals[best] @ AXES[plane_kind(planes[best])] < 0 else 1)
        near = np.abs(normals @ axis) >= MISMATCH_COSINE

    members = [i for i in by_number if near[i]]
    turned = normals[members] * np.where(normals[members] @ axis < 0, -1, 1)[:, None]
    direction = turned.sum(axis=0)
    direction /= np.linalg.norm(direction)

    kept, repeated = [], []
    for i in members:
        (repeated if any(_repeats(planes[i], planes[j]) for j in kept) else kept).append(i)
    at_mm = {
        i: pixel_to_patient(planes[i], (planes[i]["columns"] - 1) / 2, (planes[i]["rows"] - 1) / 2) @ direction
        for i in kept
    }
    ordered = sorted(kept, key=lambda i: np.floor(at_mm[i] / TIE_MM + 0.5))  # stable: ties by instance number

    distances = np.diff([at_mm[i] for i in ordered])
    gaps = []
    if len(distances) >= 2 and np.median(distances) > TIE_MM:
        wide = np.flatnonzero(distances > GAP_FACTOR * np.median(distances))
        gaps = [[ordered[i], float(distances[i])] for i in wide]
    return {
        "ordered": ordered,
        "repeated": repeated,
        "mismatched": [i for i in by_number if not near[i]],
        "gaps": gaps,
        "asPromised": as_promised,
    }


def _identity(plane):
    return (
        plane["instanceNumber"],
        *plane["position"],
        *plane["orientation"],
        *plane["spacing"],
        plane["rows"],
        plane["columns"],
    )


def _repeats(a, b):
    apart = np.linalg.norm(np.subtract(a["position"], b["position"]))
    turned = np.abs(np.subtract(a["orientation"], b["orientation"])).max()
    return apart <= REPEAT_DISTANCE_MM and turned <= REPEAT_COSINE

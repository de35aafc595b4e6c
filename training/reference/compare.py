"""Answers requests with the numbers of the reference, for tests that compare the TypeScript code with them.

    python3 training/reference/compare.py request.json

The request is {"out": folder, "requests": [...]}; every request has a `name` and a `task`. Arrays are written to
`out` as {name}.npy, everything else to `out`/report.json under the request's name. Slices are given as paths of DICOM
or .npy files. Tasks:

    pixels   slices                                    -> {name}_{i}.npy per slice, {planes} if DICOM
    order    slices (DICOM) or planes, kind            -> geometry.order, {planes}
    project  plane, points [[x, y], ...], planes       -> {patient, nearest: [[index, mm], ...], pixels}
    resize   slices (one), size, antialias             -> {name}.npy
    percentiles  slices, normalise                     -> {low, high}
    volume   slices, settings, [kind]                  -> {name}.npy, {sliceOf, constant, order}
    xy       slices (three), settings                  -> {name}.npy, {constant}
    crops    slices, settings, cuts [{centre, window}] -> {name}_{i}.npy per cut, {name}_space.npy, {constant}

With `kind`, slices (DICOM) are first ordered in space, without repeats and other planes. With `canonical`, also a kind,
their pixels are turned into the canonical orientation of that kind.
"""

import json
import sys
from pathlib import Path

import numpy as np

import geometry
import preprocess
from slices import read_pixels, read_plane


def answer(request, save):
    """One request -> its entry in the report. `save(suffix, array)` writes an array."""
    task = request["task"]
    paths = request.get("slices", [])
    if task == "order":
        planes = request.get("planes") or [read_plane(path) for path in paths]
        return {**geometry.order(planes, request["kind"]), "planes": planes}
    if task == "project":
        return project(request)

    order = None
    if "kind" in request:
        order = geometry.order([read_plane(path) for path in paths], request["kind"])["ordered"]
        paths = [paths[i] for i in order]
    images = [read_pixels(path, request.get("canonical")) for path in paths]

    if task == "pixels":
        for i, image in enumerate(images):
            save(f"_{i}", image)
        return {"planes": [read_plane(path) for path in paths if Path(path).suffix != ".npy"]}
    if task == "resize":
        save("", preprocess.resize(images[0], request["size"], request["antialias"]))
        return {}
    if task == "percentiles":
        low, high = preprocess.percentile_pair(images, request["normalise"])
        return {"low": low, "high": high}
    if task == "volume":
        tensor, slice_of, constant = preprocess.volume(images, request["settings"])
        save("", tensor)
        return {"sliceOf": slice_of, "constant": constant, "order": order}
    if task == "xy":
        tensor, constant = preprocess.xy(images, request["settings"])
        save("", tensor)
        return {"constant": constant}
    if task == "crops":
        settings = request["settings"]
        stack, constant = preprocess.crop_space(images, settings)
        save("_space", stack)
        for i, cut in enumerate(request["cuts"]):
            save(f"_{i}", preprocess.cut_crop(stack, cut["centre"], cut["window"], settings["resize"]["antialias"]))
        return {"constant": constant}
    raise SystemExit(f"request {request['name']}: no task {task}")


def project(request):
    patient = [geometry.pixel_to_patient(request["plane"], x, y) for x, y in request["points"]]
    nearest = [geometry.nearest_plane(request["planes"], point) for point in patient]
    pixels = [
        geometry.patient_to_pixel(request["planes"][index], point) for point, (index, _) in zip(patient, nearest)
    ]
    return {
        "patient": [list(point) for point in patient],
        "nearest": nearest,
        "pixels": [list(pixel) for pixel in pixels],
    }


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    batch = json.loads(Path(sys.argv[1]).read_text())
    out = Path(batch["out"])
    out.mkdir(parents=True, exist_ok=True)
    report = {}
    for request in batch["requests"]:
        name = request["name"]
        report[name] = answer(request, lambda suffix, array: np.save(out / f"{name}{suffix}.npy", array))
    (out / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()

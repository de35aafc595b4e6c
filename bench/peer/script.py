"""Scores a dataset study after study, as a good notebook of the challenge does: what spineline is compared with.

    python script.py --dataset DIR --models DIR --out submission.csv --threads CORES [--batch N] [--report FILE]

It does the same work as spineline with the same ONNX files: read with pydicom, sort by position, resize with OpenCV,
normalise with numpy's percentiles, find slices and points, cut crops, grade 25 targets per study, write a CSV. It reads
each file once, makes each model once, runs it on all cores, and keeps nothing on the disk.

OpenCV resizes with INTER_AREA where an image shrinks and INTER_LINEAR elsewhere. spineline's antialiased filter is
another one, so severities agree closely and not exactly. Images are taken to be stored upright, as those of the
challenge are. Rules: docs/pipeline.md.
"""

import time

BEGUN = time.perf_counter()

import argparse  # noqa: E402  the imports are measured
import csv
import json
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pydicom

LEVELS = ("l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1")
SIDES = ("left", "right")
KINDS = {"Sagittal T2/STIR": "sagittal_t2", "Sagittal T1": "sagittal_t1", "Axial T2": "axial_t2"}
CONDITIONS = {"scs": "spinal_canal_stenosis", "nfn": "neural_foraminal_narrowing", "ss": "subarticular_stenosis"}

IMPORTED = time.perf_counter()


class Stopwatch:
    """Wall and CPU seconds by the name of a part."""

    def __init__(self):
        self.seconds = {}
        self.cpu_seconds = {}

    @contextmanager
    def time(self, part):
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds[part] = self.seconds.get(part, 0) + time.perf_counter() - wall
        self.cpu_seconds[part] = self.cpu_seconds.get(part, 0) + time.process_time() - cpu


class Series:
    """The slices of a series in order: `images` float32 [rows, columns] each, and their places in the patient (mm)."""

    def __init__(self, folder, kind):
        self.kind = kind
        slices = []
        for path in Path(folder).glob("*.dcm"):
            dataset = pydicom.dcmread(path)
            values = dataset.pixel_array.astype(np.float32)
            values = values * float(dataset.get("RescaleSlope") or 1) + float(dataset.get("RescaleIntercept") or 0)
            row, column = np.array(dataset.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
            position = np.array(dataset.ImagePositionPatient, dtype=np.float64)
            between_rows, between_columns = (float(value) for value in dataset.PixelSpacing)
            slices.append((values, position, row * between_columns, column * between_rows, dataset.FrameOfReferenceUID))
        # Sagittal slices run from right to left, axial ones from head to feet: by the middle along the mean normal.
        axis = np.array([0, 0, -1.0]) if kind == "axial_t2" else np.array([1.0, 0, 0])
        normals = [np.cross(across, down) / np.linalg.norm(np.cross(across, down)) for _, _, across, down, _ in slices]
        direction = sum(normal * np.sign(normal @ axis) for normal in normals)

        def place(one):
            values, position, across, down, _ = one
            height, width = values.shape
            return (position + across * (width - 1) / 2 + down * (height - 1) / 2) @ direction

        slices.sort(key=place)
        self.images = [one[0] for one in slices]
        self.position, self.across, self.down = (np.array([one[i] for one in slices]) for i in (1, 2, 3))
        self.frame_of_reference = [one[4] for one in slices]
        self.spaces = {}

    def __len__(self):
        return len(self.images)

    def around(self, index, radius):
        """Indices index - radius .. index + radius, kept inside the series."""
        return np.clip(np.arange(index - radius, index + radius + 1), 0, len(self) - 1)

    def in_patient(self, index, x, y):
        return self.position[index] + x * self.across[index] + y * self.down[index]


class Model:
    """The members of one task: one session each."""

    def __init__(self, folder, members, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.kinds = [member["kind"] for member in members]
        self.weights = np.array([member["weight"] for member in members], dtype=np.float64)
        self.sessions = [
            onnxruntime.InferenceSession(str(folder / member["file"]), options, providers=["CPUExecutionProvider"])
            for member in members
        ]

    def __call__(self, **inputs):
        """The main output of every member, for a batch of inputs."""
        return [session.run(None, inputs)[0] for session in self.sessions]

    def mean(self, outputs):
        return np.average(np.stack(outputs).astype(np.float64), axis=0, weights=self.weights)


def resize(image, height, width):
    shrinks = height < image.shape[0] or width < image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def normalise(array, percentiles):
    low, high = percentiles
    if not high > low:
        return np.zeros_like(array)
    return np.clip((array - low) / (high - low), 0, 1)


def percentiles(array, settings):
    # As float32: with float64 scalars numpy 2 would compute whole images in float64.
    return np.percentile(array, [settings["low"], settings["high"]]).astype(np.float32)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def half_up(value):
    return int(np.floor(value + 0.5))


class Scorer:
    """Reads the bundles once and scores studies. @param batch most samples per run; None: all samples of a task."""

    def __init__(self, dataset, models, threads, batch=None):
        self.dataset = Path(dataset)
        self.batch = batch
        self.watch = Stopwatch()
        self.kinds = self.kinds_of(dataset)
        with self.watch.time("sessions"):
            self.bundles, self.models = {}, {}
            for stage in (1, 2, 3):
                folder = Path(models) / f"stage{stage}"
                self.bundles[stage] = json.loads((folder / "bundle.json").read_text())
                for task, fields in self.bundles[stage]["tasks"].items():
                    self.models[stage, task] = Model(folder, fields["members"], threads)

    @staticmethod
    def kinds_of(dataset):
        """{study: {series: kind}} of a dataset, in its order."""
        kinds = {}
        with open(Path(dataset) / "test_series_descriptions.csv", newline="") as file:
            for row in csv.DictReader(file):
                kinds.setdefault(row["study_id"], {})[row["series_id"]] = KINDS[row["series_description"]]
        return kinds

    def score(self, study):
        """One study -> {name of the target: [normal/mild, moderate, severe]}, 25 of them."""
        with self.watch.time("read"):
            series = [
                Series(self.dataset / "test_images" / study / name, kind) for name, kind in self.kinds[study].items()
            ]
        (t2,) = (one for one in series if one.kind == "sagittal_t2")
        (t1,) = (one for one in series if one.kind == "sagittal_t1")
        axial = [one for one in series if one.kind == "axial_t2"]

        t2_slices = self.level_slices("scs", t2)
        t1_slices = self.level_slices("nfn", t1)
        (scs,) = self.points("scs", [(t2, half_up(np.median(t2_slices)))])
        nfn = self.points("nfn", [(t1, half_up(np.median(one))) for one in (t1_slices[:5], t1_slices[5:])])
        places = [self.nearest(axial, t2, index, point) for index, point in zip(t2_slices, scs)]
        ss = self.points("ss", places)

        with self.watch.time("prepare"):
            middle = [point.mean(axis=0) for point in ss]
            sides = [(places[level], ss[level][side], side, level) for side in (0, 1) for level in range(5)]
            crops = {
                "t2": [self.crop(t2, t2_slices[level], scs[level], "middle", level) for level in range(5)],
                "middle": [self.crop(*places[level], middle[level], "middle", level) for level in range(5)],
                "t1": [
                    self.crop(t1, t1_slices[5 * side + level], nfn[side][level], SIDES[side], level)
                    for side in (0, 1)
                    for level in range(5)
                ],
                "sides": [self.crop(*place, point, SIDES[side], level) for place, point, side, level in sides],
            }
            crops = {name: np.stack(rows) for name, rows in crops.items()}
        found = {
            "scs": self.severities("scs", sagittal=crops["t2"], axial=crops["middle"]),
            "nfn": self.severities("nfn", sagittal=crops["t1"], axial=crops["sides"]),
            "ss": self.severities("ss", axial=crops["sides"]),
        }
        rows = {f"{CONDITIONS['scs']}_{level}": found["scs"][i] for i, level in enumerate(LEVELS)}
        for task in ("nfn", "ss"):
            for i, side in enumerate(SIDES):
                for j, level in enumerate(LEVELS):
                    rows[f"{side}_{CONDITIONS[task]}_{level}"] = found[task][5 * i + j]
        return rows

    def run(self, stage, task, **inputs):
        """The outputs of all members for all samples, in batches."""
        samples = len(next(iter(inputs.values())))
        size = self.batch or samples
        with self.watch.time("models"):
            parts = [
                self.models[stage, task](**{name: value[i : i + size] for name, value in inputs.items()})
                for i in range(0, samples, size)
            ]
        return [np.concatenate(outputs) for outputs in zip(*parts)]

    def level_slices(self, task, series):
        """Stage 1: the index of the slice of each output: the median over the members."""
        settings = self.bundles[1]["input"]
        depth, (height, width) = settings["slices"], settings["size"]
        with self.watch.time("prepare"):
            count = len(series)
            chosen = range(count) if count <= depth else [int((i + 0.5) * count / depth) for i in range(depth)]
            stack = np.stack([resize(series.images[i], height, width) for i in chosen])
            volume = np.zeros((1, 1, depth, height, width), dtype=np.float32)
            volume[0, 0, : len(stack)] = normalise(stack, percentiles(stack, settings["normalise"]))
        z = []
        for kind, output in zip(self.models[1, task].kinds, self.run(1, task, volume=volume)):
            z.append(output[0, :, : len(stack)].argmax(axis=-1) if kind == "cls" else output[0, :, 2] * depth)
        return [chosen[min(len(stack) - 1, max(0, half_up(one)))] for one in np.median(np.stack(z), axis=0)]

    def points(self, task, images):
        """Stage 2: [points, 2] fractions x / width, y / height for each (series, index of the middle slice)."""
        settings = self.bundles[2]["input"]
        with self.watch.time("prepare"):
            inputs = np.empty((len(images), 3, *settings["size"]), dtype=np.float32)
            for row, (series, index) in zip(inputs, images):
                stack = np.stack([series.images[i] for i in series.around(index, 1)])
                stack = normalise(stack, percentiles(stack, settings["normalise"]))
                for channel, image in enumerate(stack):
                    row[channel] = resize(image, *settings["size"])
        return self.models[2, task].mean(self.run(2, task, image=inputs))

    @staticmethod
    def nearest(axial, t2, index, point):
        """(series, index) of the axial slice whose plane is nearest to a point in a T2 slice."""
        height, width = t2.images[index].shape
        at = t2.in_patient(index, point[0] * width, point[1] * height)
        found = []
        for series in axial:
            normals = np.cross(series.across, series.down)
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            distances = np.abs(((at - series.position) * normals).sum(axis=1))
            same = [one == t2.frame_of_reference[index] for one in series.frame_of_reference]
            distances[np.logical_not(same)] = np.inf
            found.append((distances.min(), series, int(distances.argmin())))
        return min(found, key=lambda one: one[0])[1:]

    def crop(self, series, index, centre, side, level):
        """Stage 3: float32 [slices, height, width] around a point (fractions); zero outside the image."""
        settings = self.bundles[3]["crops"]
        space = settings["space"]
        indices = tuple(series.around(index, settings["slices"] // 2))
        if indices not in series.spaces:  # Levels and sides often share slices.
            for i in indices:
                if i not in series.spaces:
                    series.spaces[i] = resize(series.images[i], space, space)
            stack = np.stack([series.spaces[i] for i in indices])
            series.spaces[indices] = normalise(stack, percentiles(stack, settings["normalise"]))
        stack = series.spaces[indices]
        (window,) = (
            one
            for one in settings["windows"]
            if one["kind"] == series.kind and one["side"] == side and LEVELS[level] in one["levels"]
        )
        x, y = (half_up(value * space) for value in centre)
        left, top, right, bottom = x - window["left"], y - window["top"], x + window["right"], y + window["bottom"]
        cut = np.zeros((len(stack), bottom - top, right - left), dtype=np.float32)
        inside = stack[:, max(0, top) : max(0, min(space, bottom)), max(0, left) : max(0, min(space, right))]
        row, column = max(0, -top), max(0, -left)
        cut[:, row : row + inside.shape[1], column : column + inside.shape[2]] = inside
        return np.stack([resize(image, *window["to"]) for image in cut])

    def severities(self, task, **views):
        """[samples, 3]: the mean of the members' probabilities."""
        return self.models[3, task].mean([softmax(logits) for logits in self.run(3, task, **views)])


def write_csv(path, results):
    """@param results (study, rows of `Scorer.score`) pairs."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row_id", "normal_mild", "moderate", "severe"])
        for study, rows in results:
            for name in sorted(rows):
                writer.writerow([f"{study}_{name}", *(f"{value:.9g}" for value in rows[name])])


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dataset", required=True, help="folder in the challenge's layout, with test_images")
    parser.add_argument("--models", required=True, help="folder of the bundles stage1, stage2, stage3")
    parser.add_argument("--out", required=True, help="the CSV file to write")
    parser.add_argument("--threads", type=int, required=True, help="cores to use")
    parser.add_argument("--batch", type=int, help="most samples per run (default: all samples of a task)")
    parser.add_argument("--report", help="JSON file for the times of the parts")
    return parser.parse_args()


def main():
    options = parse_arguments(__doc__.split("\n\n")[0])
    scorer = Scorer(options.dataset, options.models, options.threads, options.batch)
    results = [(study, scorer.score(study)) for study in scorer.kinds]
    with scorer.watch.time("csv"):
        write_csv(options.out, results)
    if options.report:
        seconds = {"imports": IMPORTED - BEGUN, **scorer.watch.seconds}
        report = {"studies": len(results), "seconds": seconds, "cpuSeconds": scorer.watch.cpu_seconds}
        Path(options.report).write_text(json.dumps(report))


if __name__ == "__main__":
    main()

"""Reads series of DICOM files from memory to normalised stacks with pydicom, and measures it.

    python read.py FOLDER      one JSON line per plug-in

What `bench/read.ts` compares with. The folder holds series of one transfer syntax, one folder per series. A pass
reads every file from memory, decodes it with one of pydicom's plug-ins, rescales it, takes two percentiles per series
with numpy, and clips and scales to [0, 1]. The fastest pass of several counts.
"""

import json
import sys
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom

#: pydicom's decoding plug-ins; `pydicom` decodes RLE with numpy alone and needs no plug-in for uncompressed files.
PLUGINS = ("pydicom", "pylibjpeg", "gdcm")
PASSES = 3


def normalised(files, plugin):
    """Bytes of the files of one series -> float32 [slices, rows, columns] in [0, 1]."""
    images = []
    for content in files:
        dataset = pydicom.dcmread(BytesIO(content))
        if plugin:
            dataset.pixel_array_options(decoding_plugin=plugin)
        values = dataset.pixel_array.astype(np.float32)
        images.append(values * float(dataset.get("RescaleSlope") or 1) + float(dataset.get("RescaleIntercept") or 0))
    stack = np.stack(images)
    # As float32: with float64 scalars numpy 2 would compute the stack in float64.
    low, high = np.percentile(stack, [1, 99]).astype(np.float32)
    return np.clip((stack - low) / (high - low), 0, 1)


def main():
    series = [[file.read_bytes() for file in sorted(one.iterdir())] for one in sorted(Path(sys.argv[1]).iterdir())]
    native = not pydicom.dcmread(BytesIO(series[0][0])).file_meta.TransferSyntaxUID.is_compressed
    for plugin in ("",) if native else PLUGINS:
        try:
            normalised(series[0], plugin)
        except (RuntimeError, NotImplementedError, ValueError):
            continue  # This plug-in does not decode this transfer syntax.
        fastest = float("inf")
        for _ in range(PASSES):
            seconds, pixels, total = 0.0, 0, 0.0
            for one in series:
                begun = time.process_time()
                stack = normalised(one, plugin)
                seconds += time.process_time() - begun
                pixels += stack.size
                total += float(stack.sum(dtype=np.float64))
            fastest = min(fastest, seconds)
        print(json.dumps({"plugin": plugin or "numpy", "cpuSeconds": fastest, "pixels": pixels, "sum": total}))


if __name__ == "__main__":
    main()

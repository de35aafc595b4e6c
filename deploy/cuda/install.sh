#!/bin/sh
# Puts ONNX Runtime's CUDA and TensorRT libraries beside onnxruntime-node, for Linux x64. Run it again after each
# `npm ci` or `npm run setup` that installed something. It needs Python 3 with pip, 250 MB to download and 270 MB of disk.
#
#   deploy/cuda/install.sh [FOLDER]
#
# FOLDER is where libonnxruntime.so.1 is; by default that of this checkout. The libraries come from the Python package
# onnxruntime-gpu: it is built from the same commit as onnxruntime-node, and needs CUDA 13 and cuDNN 9
# (docs/decisions/0031-cuda-13.md).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../node_modules/onnxruntime-node/bin/napi-v6/linux/x64}
[ -d "$folder" ] || { echo "install.sh: no folder $folder; run npm ci first, or name the folder" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --python-version 3.12 --platform manylinux_2_28_x86_64 --dest "$work" --requirement "$here/requirements.txt"
python3 -m zipfile --extract "$work"/onnxruntime_gpu-*.whl "$work"
cp "$work"/onnxruntime/capi/libonnxruntime_providers_*.so "$folder"
echo "install.sh: $(cd "$folder" && echo libonnxruntime_providers_*.so) are in $folder"

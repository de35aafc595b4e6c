"""Writes the files of a run folder atomically, and computes the digest of weights."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def write_file(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    with open(part, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)


def save_torch(file: Path, content: Any) -> None:
    part = file.with_name(f"{file.name}.part")
    with open(part, "wb") as out:
        torch.save(content, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)


def state_digest(state: dict[str, Tensor]) -> str:
    """SHA-256 over a state dict's names, dtypes, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()

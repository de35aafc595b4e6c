"""Folds by study: all samples of a patient are on the same side of the split."""

from __future__ import annotations

import hashlib

from ..config import FOLDS


def fold_of(study: str) -> int:
    """A study's fold, 0 to 4, from its id alone: the same in any order and in a dataset of any size."""
    return int.from_bytes(hashlib.sha256(f"spineline-fold/{study}".encode()).digest()[:8], "big") % FOLDS

"""Folds by study: all samples of a study are on the same side of the split."""

from __future__ import annotations

import hashlib

from ..config import FOLDS


def fold_of(study: str) -> int:
    """The fold of a study, 0 to 4. It depends only on the id: the same in any order and in a dataset of any size."""
    return int.from_bytes(hashlib.sha256(f"spineline-fold/{study}".encode()).digest()[:8], "big") % FOLDS

"""Prepared datasets: reading their arrays, the samples of each task, and folds by study."""

from .folds import fold_of
from .prepared import ArrayOfShards, Prepared
from .tasks import Samples, samples_of

__all__ = ["ArrayOfShards", "Prepared", "Samples", "fold_of", "samples_of"]

"""Every file name of the project. No path is put together anywhere else."""

from classification.paths.data import (
    CROP_MARK,
    DatasetPaths,
    DownloadPaths,
    InterimPaths,
    LilaPaths,
    SamplePaths,
    SpeciesPaths,
    SubsetPaths,
    crop_log,
    crop_name,
    is_safe_name,
)
from classification.paths.runs import EmbeddingPaths, ExportPaths, RoundPaths, RunPaths

__all__ = [
    "CROP_MARK",
    "DatasetPaths",
    "DownloadPaths",
    "EmbeddingPaths",
    "ExportPaths",
    "InterimPaths",
    "LilaPaths",
    "RoundPaths",
    "RunPaths",
    "SamplePaths",
    "SpeciesPaths",
    "SubsetPaths",
    "crop_log",
    "crop_name",
    "is_safe_name",
]

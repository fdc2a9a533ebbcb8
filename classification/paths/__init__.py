"""Every file name of the project. No path is put together anywhere else."""

from classification.paths.comparison import ComparisonPaths
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
from classification.paths.jobs import (
    BucketPaths,
    CheckpointPaths,
    ContainerPaths,
    JobPaths,
    RanksPaths,
)
from classification.paths.runs import EmbeddingPaths, ExportPaths, RoundPaths, RunPaths
from classification.paths.tracking import ServerPaths, StorePaths

__all__ = [
    "CROP_MARK",
    "BucketPaths",
    "CheckpointPaths",
    "ComparisonPaths",
    "ContainerPaths",
    "DatasetPaths",
    "DownloadPaths",
    "EmbeddingPaths",
    "ExportPaths",
    "InterimPaths",
    "JobPaths",
    "LilaPaths",
    "RanksPaths",
    "RoundPaths",
    "RunPaths",
    "SamplePaths",
    "ServerPaths",
    "SpeciesPaths",
    "StorePaths",
    "SubsetPaths",
    "crop_log",
    "crop_name",
    "is_safe_name",
]

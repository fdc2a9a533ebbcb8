"""Addresses of AWS's PyTorch training containers, from the tables in the sagemaker package."""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SILENT = {"SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


def training_image(*, version: str, region: str, instance: str) -> str:
    """Address of the container for a machine in a region; asks no network.

    Args:
        version: of PyTorch, such as ``2.10``.
        region: of the job; AWS keeps a registry per region.
        instance: machine type; those with a GPU get another container.

    Raises:
        FieldmarkError: the sagemaker package is missing, or knows no such container.
    """
    try:
        with _no_telemetry():
            from sagemaker.core import image_uris  # type: ignore[import-not-found]  # extra: aws
    except ImportError:
        raise FieldmarkError(
            'the address of the container comes from the sagemaker package: pip install -e ".[aws]"'
            ", or give your own container as launch.sagemaker.image"
        ) from None
    try:
        return image_uris.retrieve(
            "pytorch",
            region=region,
            version=version,
            image_scope="training",
            instance_type=instance,
        )
    except (ValueError, KeyError) as error:
        raise FieldmarkError(
            f"no PyTorch {version} container for {instance} in {region}: {error}. Set "
            "launch.sagemaker.pytorch, region or instances, or your own launch.sagemaker.image"
        ) from None


@contextmanager
def _no_telemetry() -> "Iterator[None]":
    """sagemaker reads this file when it is imported, and reports its use without it."""
    key = "SAGEMAKER_USER_CONFIG_OVERRIDE"
    before = os.environ.get(key)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(json.dumps(_SILENT))  # JSON is YAML
        os.environ[key] = before or str(path)
        try:
            yield
        finally:
            if before is None:
                del os.environ[key]

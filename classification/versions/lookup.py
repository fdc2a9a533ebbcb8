"""Finding a model version by what people call it, and bringing its model here."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError
from classification.paths.versions import ReleasePaths, VersionPaths
from classification.tracking_store import connect, masked, quiet
from classification.versions.champion import CHAMPION

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

_REFERENCE = re.compile(r"(?:models:/)?([^@/:]+)(?:@([^@/:]+)|/(\d+))?")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A version by alias, or by number; with neither, whatever a command takes by default."""

    name: str
    alias: str = ""
    version: str = ""

    def __str__(self) -> str:
        return self.name + (f"@{self.alias}" if self.alias else f"/{self.version}")


def parse_reference(text: str, *, alias: str = CHAMPION) -> Reference:
    """``NAME``, ``NAME@champion`` or ``NAME/3``, each also with ``models:/`` before it.

    Args:
        text: as typed.
        alias: what the name alone stands for.

    Raises:
        FieldmarkError: it is none of these.
    """
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        raise FieldmarkError(
            f"{text!r} is not a model: give NAME, NAME@champion or NAME/3, with or without "
            "models:/ before it. python classification/registry.py list shows them"
        )
    name, given, version = match.groups()
    if version:
        return Reference(name=name, version=version)
    return Reference(name=name, alias=given or alias)


@contextmanager
def opened(uri: str) -> Iterator["MlflowClient"]:
    """A client on the store at `uri`, whose faults are told as ours.

    Raises:
        FieldmarkError: whatever the store, its driver or the network raised.
    """
    try:
        with quiet():
            yield connect(uri)
    except FieldmarkError:
        raise
    except Exception as error:  # MLflow, its databases and artifact stores share no base class
        reason = masked(str(error)).strip().partition("\n")[0] or "no reason given"
        raise FieldmarkError(
            f"the model registry at {masked(uri)} does not answer as it should "
            f"({type(error).__name__}: {reason}). MLFLOW_TRACKING_URI, in the environment or .env, "
            "says which registry it is."
        ) from error


def all_models(client: "MlflowClient") -> Iterator["RegisteredModel"]:
    """Every registered model; MLflow gives a hundred at a time."""
    token = None
    while token != "":
        page = client.search_registered_models(page_token=token)
        yield from page
        token = page.token or ""


def find_version(client: "MlflowClient", reference: Reference) -> "ModelVersion":
    """The version that a reference names.

    Raises:
        FieldmarkError: there is none; which there are.
    """
    versions = client.search_model_versions(f"name = '{reference.name}'")
    if not versions:
        known = ", ".join(model.name for model in all_models(client)) or "none"
        raise FieldmarkError(
            f"there is no model {reference.name!r} in the registry. Known: {known}"
        )
    number = reference.version
    aliases = client.get_registered_model(reference.name).aliases
    if reference.alias:
        number = str(aliases.get(reference.alias, ""))
    found = next((v for v in versions if str(v.version) == number), None)
    if found is None:
        numbers = ", ".join(sorted((str(v.version) for v in versions), key=int))
        names = ", ".join(f"{alias} ({n})" for alias, n in sorted(aliases.items())) or "none"
        raise FieldmarkError(f"there is no {reference}. Versions: {numbers}; aliases: {names}")
    return found


def fetch(
    client: "MlflowClient", version: "ModelVersion", folder: Path, *, program: bool = False
) -> ReleasePaths:
    """Bring the model of a version into `folder`, with its record.

    Nothing that is read here is executed, and nothing is unpickled: weights are safetensors.

    Args:
        client: connected.
        version: whose model.
        folder: made where it is missing, else empty.
        program: the MLflow model around it, too.

    Raises:
        FieldmarkError: the version holds no model of this package.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    there = VersionPaths(Path())
    source = client.get_model_version_download_uri(version.name, version.version)
    part = "" if program else f"/{there.release.root.as_posix()}"
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(MlflowException):  # it has one for a folder that is not there
        download_artifacts(
            artifact_uri=source + part, dst_path=str(folder), tracking_uri=client.tracking_uri
        )
    found = next(folder.rglob(there.release.record.name), None)
    if found is None:
        raise FieldmarkError(
            f"no model of this package is at {masked(source)}, where {version.name} version "
            f"{version.version} should have it: its files cannot be reached, or it was registered "
            "by other means or an older version. Its train.py command registers a new round."
        )
    return ReleasePaths(found.parent)


@contextmanager
def local_model(reference: str, uri: str) -> Iterator[Path]:
    """The folder of a registered model, as `load_classifier` takes it, while the context lasts.

    Raises:
        FieldmarkError: there is no such model, or the registry does not answer.
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        with opened(uri) as client:
            version = find_version(client, parse_reference(reference))
            release = fetch(client, version, Path(folder))
        print(f"model: {version.name} version {version.version}")
        yield release.root

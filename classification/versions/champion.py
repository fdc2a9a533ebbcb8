"""Who is champion: the rule, its aliases, and the way back."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
_BEFORE = (
    "champion.before"  # tag: the version that this one replaced, by which `rollback` goes back
)
_WITHDRAWN = "champion.withdrawn"  # tag: when


def beats(tags: dict[str, str], champion: dict[str, str] | None) -> tuple[bool, str]:
    """Whether a version with `tags` replaces the champion, whose tags may be by hand, and why."""
    if "test.macro_f1" not in tags:
        return False, "it was not measured on a test split"
    score = float(tags["test.macro_f1"])
    if champion is None:
        return True, f"the first champion, macro-F1 {score:.3f}"
    if "test.macro_f1" not in champion:
        return False, "the champion was not measured on a test split, so they cannot be compared"
    if champion.get("data.test_split") != tags.get("data.test_split"):
        return False, "the champion was measured on another test split, so they cannot be compared"
    old = float(champion["test.macro_f1"])
    if score > old:
        return True, f"macro-F1 {score:.3f} beats the champion's {old:.3f} on the same test split"
    return False, f"macro-F1 {score:.3f} does not beat the champion's {old:.3f}"


def champion_of(client: "MlflowClient", name: str) -> "ModelVersion | None":
    """The version with the alias `champion`, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def contend(client: "MlflowClient", version: "ModelVersion") -> tuple[bool, str]:
    """Make a version champion if it is better than the one there is; whether, and why or why not.

    The tag comes before the alias: stopped in between, the next call sets both.
    """
    name, champion = version.name, champion_of(client, version.name)
    if champion and str(champion.version) == str(version.version):
        return True, "it is the champion"
    better, reason = beats(version.tags, champion.tags if champion else None)
    if better:
        number = str(version.version)
        before = str(champion.version) if champion else ""
        client.set_model_version_tag(name, number, _BEFORE, before)
        client.set_registered_model_alias(name, CHAMPION, number)
    return better, reason


def promote(client: "MlflowClient", version: "ModelVersion") -> str:
    """Make a version champion; a line on it.

    Raises:
        FieldmarkError: it is not better on the same test split.
    """
    better, reason = contend(client, version)
    if not better:
        raise FieldmarkError(
            f"{version.name} version {version.version} does not become {CHAMPION}: {reason}"
        )
    return f"{version.name} version {version.version} is {CHAMPION}: {reason}"


def rollback(client: "MlflowClient", name: str) -> str:
    """Give the alias back to the version that the champion replaced; a line on it.

    Raises:
        FieldmarkError: there is none, or it was deleted.
    """
    from mlflow.exceptions import MlflowException

    champion = champion_of(client, name)
    if champion is None:
        raise FieldmarkError(f"{name} has no {CHAMPION}; registry.py promote makes one")
    before = champion.tags.get(_BEFORE, "")
    if not before:
        raise FieldmarkError(
            f"{name} version {champion.version} replaced no champion: there is none to go back to"
        )
    try:
        client.get_model_version(name, before)
    except MlflowException:
        raise FieldmarkError(
            f"{name} version {before}, which was {CHAMPION} before {champion.version}, was deleted"
        ) from None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    client.set_model_version_tag(name, str(champion.version), _WITHDRAWN, now)
    client.set_registered_model_alias(name, CHAMPION, before)
    return f"{name} version {before} is {CHAMPION} again, in place of {champion.version}"

"""The code of a job as one archive, the same bytes for the same code wherever it is made.

It holds this package, the script that starts a container, and the packages to install there: our
direct dependencies in the versions that are installed here, so that a job computes what this
machine would. PyTorch is left out: the container has the build that fits to its CUDA.
"""

import gzip
import io
import re
import tarfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from classification.errors import FieldmarkError
from classification.files import sha256_bytes

NAME = "code.tar.gz"
REQUIREMENTS = "requirements.txt"
START = "classification/launch/start.sh"
_MOST = 5_000_000  # bytes; it is under 1 MB, and data that slipped in is found out
_FROM_CONTAINER = {"torch", "torchvision"}
_PACKAGE = Path(__file__).resolve().parents[1]
_SUFFIXES = {".py", ".sh", ".jinja", ".js", ".css", ".html"}


@dataclass(frozen=True, kw_only=True)
class Archive:
    """`data`, and the digest that names it in S3."""

    data: bytes
    digest: str


def code_archive(*, extra: tuple[str, ...] = ()) -> Archive:
    """This package as a job runs it.

    Args:
        extra: names of packages to install beside the direct dependencies.

    Raises:
        FieldmarkError: a dependency is not installed here, or the archive is too large.
    """
    files = {
        path.relative_to(_PACKAGE.parent).as_posix(): path.read_bytes()
        for path in sorted(_PACKAGE.rglob("*"))
        if path.is_file() and path.suffix in _SUFFIXES and not _hidden(path)
    }
    files[REQUIREMENTS] = requirements(extra).encode()
    plain = _tar(files)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as f:
        f.write(plain)
    if len(packed.getvalue()) > _MOST:
        largest = max(files, key=lambda name: len(files[name]))
        raise FieldmarkError(
            f"the code archive has {len(packed.getvalue()) / 1e6:.1f} MB, more than "
            f"{_MOST / 1e6:.0f}: move data out of {_PACKAGE}; its largest file is {largest}"
        )
    # of what is inside: another zlib packs the same code differently
    return Archive(data=packed.getvalue(), digest=sha256_bytes(plain))


def requirements(extra: tuple[str, ...] = ()) -> str:
    """``requirements.txt`` of a job: direct dependencies, pinned to what is installed here."""
    try:
        lines = [line for line in requires("fieldmark") or [] if "extra ==" not in line]
        wanted = {_name(line): _with_extras(line) for line in [*lines, *extra]}
        pins = [
            f"{line}=={version(name).partition('+')[0]}"
            for name, line in sorted(wanted.items())
            if name not in _FROM_CONTAINER
        ]
    except PackageNotFoundError as error:
        raise FieldmarkError(
            f"{error.name} is not installed here, so its version for the job is not known: "
            'pip install -e ".[aws]" in the repository'
        ) from None
    return "\n".join(pins) + "\n"


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _with_extras(requirement: str) -> str:
    found = re.match(r"[\w.-]+(\[[\w,.-]+\])?", requirement)
    return found[0] if found else requirement


def _hidden(path: Path) -> bool:
    inside = path.relative_to(_PACKAGE).parts
    return any(part.startswith((".", "__pycache__")) for part in inside)


def _tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return stream.getvalue()

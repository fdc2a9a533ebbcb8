"""What is known of one file after it was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row of the ledger. A file that failed has a reason; one that is there has the rest."""

    path: str
    """Relative to the output folder; of a rejected name, the name as published."""
    status: str
    """ok or failed."""
    reason: str = ""
    """Code of a failure: not_found, denied, throttled, truncated, unsafe_name, ..."""
    detail: str = ""
    size: int | None = None
    """Bytes."""
    mtime_ns: int | None = None
    """Time stamp of the file on disk when it was last known to be right."""
    etag: str = ""
    sha256: str = ""
    source: str = ""
    """Address it came from; empty for a file found on disk."""

    @classmethod
    def failed(cls, path: str, reason: str, detail: str, *, source: str = "") -> "Record":
        """A failure, with the code that the summary counts and a line for the reader."""
        return cls(path=path, status="failed", reason=reason, detail=detail, source=source)

    @property
    def ok(self) -> bool:
        """Whether the file is there and whole."""
        return self.status == "ok"

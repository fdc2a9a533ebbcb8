"""What a download run did, counted as it goes and said at the end."""

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from classification.data.download.estimate import duration, gigabytes
from classification.data.download.fetch import Settled
from classification.data.download.options import DownloadOptions
from classification.data.download.record import Record
from classification.errors import FieldmarkError

_HOPELESS = 200  # first files that fail, all of them, before a run gives up
_SYSTEMIC = {"denied", "connection", "timeout", "tls", "bad_address"}  # not_found can be a stretch
_HINTS = {
    "denied": "check --profile; a public bucket may want --anonymous",
    "not_found": "check --source; images of people are often listed but not published",
    "unsafe_name": "mend file_name in the JSON",
    "name_clash": "two images have one file_name: mend the JSON",
    "truncated": "the archive's own copies are damaged; --keep-truncated accepts them",
    "cannot_write": "a file lies where a folder should be, or the reverse",
}


@dataclass
class Tally:
    """Counts of a run."""

    present: int = 0
    checked: int = 0
    """Files on disk that were read and found right."""
    fetched: int = 0
    bytes: int = 0
    """Of the files fetched."""
    failures: list[Record] = field(default_factory=list)
    started: float = field(default_factory=monotonic)

    def add(self, settled: Settled) -> None:
        """Count one file.

        Raises:
            FieldmarkError: not one of the first 200 could be had, all for want of access.
        """
        record = settled.record
        if not record.ok:
            self.failures.append(record)
            self._give_up_if_hopeless()
        elif settled.fetched:
            self.fetched += 1
            self.bytes += record.size or 0
        else:
            self.checked += 1

    @property
    def total(self) -> int:
        """Files that were asked for."""
        return self.present + self.checked + self.fetched + len(self.failures)

    def summary(self) -> str:
        """Counts, rate, and every reason of failure with an example and what to do."""
        seconds = max(monotonic() - self.started, 1e-9)
        rate = f"{self.fetched / seconds:.0f} files/s, {gigabytes(self.bytes / seconds)}/s"
        lines = [
            f"{self.total:,} files: {self.fetched:,} fetched ({gigabytes(self.bytes)} in "
            f"{duration(seconds)}, {rate}), {self.present + self.checked:,} were there, "
            f"{len(self.failures):,} failed"
        ]
        for reason, number in Counter(r.reason for r in self.failures).most_common():
            example = next(r for r in self.failures if r.reason == reason)
            hint = f"; {_HINTS[reason]}" if reason in _HINTS else ""
            lines.append(f"  {number:,} {reason}: {example.path!r} ({example.detail}){hint}")
        return "\n".join(lines)

    def judge(self, options: DownloadOptions) -> None:
        """Raise a FieldmarkError where more files failed than the user accepts."""
        share = len(self.failures) / max(1, self.total)
        if share > options.max_failures:
            raise FieldmarkError(
                f"{len(self.failures):,} of {self.total:,} files failed ({share:.2%}), more than "
                f"--max-failures {options.max_failures:g} allows. Run the same command again to "
                "try these files only, or raise the limit to go on without them."
            )

    def _give_up_if_hopeless(self) -> None:
        reasons = Counter(record.reason for record in self.failures if record.source)
        settled = self.checked + self.fetched
        if not settled and reasons.total() >= _HOPELESS and set(reasons) <= _SYSTEMIC:
            raise FieldmarkError(
                f"none of the first {reasons.total()} files could be fetched:\n{self.summary()}"
            )

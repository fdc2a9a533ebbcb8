"""Check splits for leaks of any kind; exit 1 and say which if there are any."""

from classification.cli import run_step
from classification.data.options import AuditOptions

if __name__ == "__main__":
    run_step(
        AuditOptions,
        "classification.data.audit:audit_splits",
        positional=("output_dir",),
    )

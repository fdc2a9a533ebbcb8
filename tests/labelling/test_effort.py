import pytest

from classification.labelling.decisions import Decision
from classification.labelling.effort import effort


def decision(minute, annotator="ann", source="app"):
    when = f"2024-05-01T{10 + minute // 60}:{minute % 60:02d}:00+00:00" if minute >= 0 else ""
    return Decision(
        item="a.jpg", verdict="label", label="fox", annotator=annotator, source=source,
        round=0, decided_at=when,
    )  # fmt: skip


def test_hours_leave_breaks_out_and_add_up_over_annotators():
    made = [decision(m) for m in (0, 3, 6, 50, 56)] + [decision(m, "bob") for m in (1, 4)]
    found = effort(made)
    assert found.decisions == 7
    assert found.annotators == {"ann": 5, "bob": 2}
    assert found.hours == pytest.approx((3 + 3 + 6 + 3) / 60)


@pytest.mark.parametrize(
    "made",
    [
        [],
        [decision(0)],
        [decision(0), decision(0)],  # a file of answers, taken in at one moment
        [decision(0, "oracle", "oracle"), decision(1, "oracle", "oracle")],
        [decision(-1), decision(-1)],
        [decision(0, "ann", "timelapse"), decision(2, "ann", "timelapse")],  # two files
        [decision(0, "ann", "import"), decision(2, "ann", "import")],
    ],
)
def test_times_that_do_not_tell_give_no_hours(made):
    assert effort(made).hours is None

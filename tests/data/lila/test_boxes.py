import pytest

from classification.data.lila.boxes import class_of_box

RAT = {"rat": "rattus"}
RATS = {"rat": "rattus", "black rat": "rattus"}
BOTH = {"rat": "rattus", "fox": "vulpes"}


@pytest.mark.parametrize(
    ("label", "classes", "one_category", "expected"),
    [
        ("rat", RAT, False, "rattus"),
        ("rat", BOTH, False, "rattus"),
        ("animal", RAT, False, "rattus"),
        ("animal", RATS, False, "rattus"),
        ("animal", BOTH, False, None),  # which of the two it is nobody can tell
        ("thing", RAT, True, "rattus"),
        ("fox", RAT, False, None),
        ("person", BOTH, True, None),
    ],
)
def test_the_class_of_a_box(label, classes, one_category, expected) -> None:
    assert class_of_box(label, classes, one_category=one_category) == expected

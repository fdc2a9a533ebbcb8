import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.lila.thin import Shares, priorities, thin


def rows(size: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    location = pd.Series(rng.integers(0, 4, size).astype(str), dtype="str")
    sequence = location + "-" + pd.Series(rng.integers(0, 5, size).astype(str))
    ids = pd.Series([f"im{n}" for n in range(size)], dtype="str")
    return pd.DataFrame(
        {
            "image_id": ids,
            "class": rng.choice(["rat", "fox", "bird"], size),
            "location": location.mask(location == "3"),
            "sequence": sequence.mask(rng.random(size) < 0.2),
            "priority": priorities(ids, seed),
        }
    )


limits = st.integers(0, 5)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 80), st.integers(0, 99), limits, limits, limits, st.integers(0, 80))
def test_thinning_in_pieces_is_thinning_the_whole(size, seed, per_class, here, burst, cut) -> None:
    table = rows(size, seed)
    shares = Shares(per_class=per_class, per_location=here, per_sequence=burst)
    whole = thin(table, shares)
    first = thin(table[:cut], shares)
    pieces = thin(pd.concat([first, table[cut:]]), shares)
    assert list(pieces["image_id"]) == list(whole["image_id"])
    turned = thin(table[::-1], shares)
    assert list(turned["image_id"]) == list(whole["image_id"])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(0, 99), limits, limits, limits)
def test_limits_hold_and_nothing_is_left_out_without_need(size, seed, per_class, here, burst):
    table = rows(size, seed)
    kept = thin(table, Shares(per_class=per_class, per_location=here, per_sequence=burst))
    if per_class:
        assert kept.groupby("class").size().max() <= per_class
    if here:
        assert (kept.dropna(subset="location").groupby(["class", "location"]).size() <= here).all()
    if burst:
        sizes = kept.dropna(subset="sequence").groupby(["class", "location", "sequence"]).size()
        assert (sizes <= burst).all()
    assert set(kept["class"]) == set(table["class"])
    if not (per_class or here or burst):
        assert len(kept) == size


def test_the_draw_depends_on_the_seed_and_not_on_the_order() -> None:
    ids = pd.Series([f"im{n}" for n in range(1000)], dtype="str")
    assert (priorities(ids, 1) == priorities(ids[::-1], 1)[::-1]).all()
    assert (priorities(ids, 1) != priorities(ids, 2)).mean() > 0.99
    upper = priorities(ids, 3) > np.uint64(2**63)
    assert 0.4 < upper.mean() < 0.6

"""Which process does what of a pool that the machines of a job have in parts."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classification.errors import FieldmarkError
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.shards import divide
from classification.learning.team import Team


@dataclass(frozen=True, kw_only=True)
class Told(Team):
    """A team of which it is known beforehand who has what."""

    here: tuple[tuple[bool, ...], ...]

    def gather(self, values):
        return np.array(self.here)


def inputs(tmp_path, here):
    return Inputs(
        reader=CropReader(tmp_path, size=8),
        preprocessing=Preprocessing(image_size=8, mean=(0.5,) * 3, std=(0.5,) * 3),
        device=torch.device("cpu"),
        team=Told(size=len(here), sharded=True, here=here),
    )


@given(st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=1, max_size=30))
def test_everything_is_done_once_by_one_who_has_it(tmp_path_factory, holders):
    here = tuple(tuple(rank in held for held in holders) for rank in range(3))
    paths = [str(i) for i in range(len(holders))]
    shares = divide(paths, inputs(tmp_path_factory.getbasetemp(), here))
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(holders)))
    assert all(rank in holders[i] for rank, share in enumerate(shares) for i in share)


def test_what_all_have_is_divided_evenly(tmp_path):
    shares = divide([str(i) for i in range(10)], inputs(tmp_path, ((True,) * 10,) * 2))
    assert [len(share) for share in shares] == [5, 5]


def test_a_crop_that_no_machine_has_is_named(tmp_path):
    with pytest.raises(FieldmarkError, match=r"1 crops are on no machine of the job, first b"):
        divide(["a", "b"], inputs(tmp_path, ((True, False), (True, False))))

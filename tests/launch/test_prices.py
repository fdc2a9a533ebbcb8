from dataclasses import replace

import pytest

from classification.config import LaunchConfig, RunConfig
from classification.config_sagemaker import SageMakerConfig
from classification.launch import JobState
from classification.launch.cost import cost_of
from classification.launch.prices import LISTED, source, usd_per_hour

PLAIN = SageMakerConfig()


def test_a_price_of_ones_own_beats_the_dated_list():
    assert usd_per_hour(PLAIN, "ml.g5.xlarge") == pytest.approx(1.408)
    assert LISTED in source(PLAIN)
    own = replace(PLAIN, usd_per_hour=0.5)
    assert usd_per_hour(own, "ml.g5.xlarge") == 0.5
    assert "usd_per_hour" in source(own)
    assert usd_per_hour(PLAIN, "ml.new.48xlarge") is None


@pytest.mark.parametrize(
    ("state", "usd"),
    [
        (JobState(status="completed", seconds=7200, billable_seconds=3600), 1.408),
        (JobState(status="running", seconds=1800), 0.704),
        (JobState(status="completed", seconds=60, billable_seconds=0), 0.0),
        (
            JobState(
                status="completed", seconds=60, billable_seconds=3600, machine="ml.g4dn.xlarge"
            ),
            0.736,
        ),
        (JobState(status="failed", seconds=9, billable_seconds=9, machine="ml.new.1xlarge"), None),
    ],
)
def test_the_cost_follows_from_the_billed_seconds_of_the_machine_that_was_used(state, usd):
    cost = cost_of(state, RunConfig(launch=LaunchConfig(sagemaker=PLAIN)))
    assert cost.usd == (None if usd is None else pytest.approx(usd))
    assert cost.final == state.ended

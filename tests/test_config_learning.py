import pytest

from classification import config as cfg
from classification.config_learning import (
    BackboneConfig,
    FinetuneConfig,
    FirstTrainingConfig,
    HeadConfig,
    SemiConfig,
    learning_problems,
)


def faults(backbone=None, finetune=None, head=None):
    return learning_problems(
        backbone or BackboneConfig(), finetune or FinetuneConfig(), head or HeadConfig()
    )


def test_the_defaults_have_no_fault():
    assert faults() == []


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"finetune": FinetuneConfig(loss="triplet", mining="hard_pair")}, "finetune.mining"),
        ({"finetune": FinetuneConfig(loss="siamese", mining="semi_hard")}, "random, hard_pair"),
        ({"finetune": FinetuneConfig(margin=0)}, "finetune.margin: 0 is not above 0"),
        ({"finetune": FinetuneConfig(samples_per_class=1)}, "finetune.samples_per_class"),
        ({"finetune": FinetuneConfig(first=FirstTrainingConfig(epochs=-1))}, "first.epochs: -1"),
        ({"backbone": BackboneConfig(feat_dim=256)}, "random projection untrained"),
        ({"backbone": BackboneConfig(weights="none")}, "random backbone"),
        (
            {"finetune": FinetuneConfig(semi=SemiConfig(weight=1.0))},
            "set finetune.label_smoothing: 0",
        ),
        (
            {
                "finetune": FinetuneConfig(
                    loss="triplet", label_smoothing=0, semi=SemiConfig(weight=1.0)
                )
            },
            "finetune.semi.weight: 1.0 does not go with finetune.loss: triplet",
        ),
        ({"finetune": FinetuneConfig(semi=SemiConfig(threshold=1.0))}, "finetune.semi.threshold"),
        ({"head": HeadConfig(hidden=())}, "head.hidden: []"),
        ({"head": HeadConfig(C=0)}, "head.C: 0 is not above 0"),
    ],
)
def test_what_cannot_work_is_said(sections, expected):
    [fault] = faults(**sections)
    assert expected in fault


def test_a_projection_that_only_the_first_training_trains_is_fine():
    finetune = FinetuneConfig(first=FirstTrainingConfig(epochs=5))
    assert faults(backbone=BackboneConfig(feat_dim=256), finetune=finetune) == []


def test_the_first_training_differs_in_what_it_names_only():
    config = FinetuneConfig(
        epochs=20,
        learning_rate=1e-4,
        first=FirstTrainingConfig(learning_rate=1e-5, loader="single"),
    )
    first, later = config.recipe(first=True), config.recipe(first=False)
    assert (first.epochs, first.learning_rate, first.loader) == (20, 1e-5, "single")
    assert (later.epochs, later.learning_rate, later.loader) == (20, 1e-4, "even")


def test_a_run_of_an_earlier_version_goes_on_with_what_fields_since_then_default_to():
    before = cfg.to_dict(cfg.RunConfig())
    del before["backbone"]["feat_dim"], before["finetune"]["first"]
    assert cfg.changes_refused(before, cfg.RunConfig()) == []
    wider = cfg.RunConfig(backbone=BackboneConfig(feat_dim=64))
    assert cfg.changes_refused(before, wider) == ["backbone.feat_dim: was 0, now 64"]

import json

import pytest

from classification.app.recipe import Recipe, describe
from classification.errors import FieldmarkError


def test_a_recipe_survives_json():
    recipe = Recipe().but(layers="32,r", output="focal", hidden=(3, 4), ratio=2)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(FieldmarkError) as error:
        Recipe().but(layers="32,x", dropout=2.0, epochs=0, threshold=0.1)
    lines = str(error.value).splitlines()
    assert lines[0] == "Please correct:"
    assert [line.split()[1] for line in lines[1:]] == ["layer", "dropout", "threshold", "epochs"]


@pytest.mark.parametrize(
    ("fields", "shape", "said"),
    [
        ({}, (1280,), "embedding 1280 → 6 classes (softmax)"),
        (
            {"layers": "64,r,d", "dropout": 0.25, "output": "sigmoid"},
            (1280,),
            "embedding 1280 → dense 64 → residual block → dropout 0.25 → 6 classes (sigmoid)",
        ),
        (
            {"layers": "32,p", "pooling": "max"},
            (7, 7, 512),
            "feature map 7 x 7 x 512 → convolution 32 → pool 2 x 2 → max pooling "
            "→ 6 classes (softmax)",
        ),
    ],
)
def test_the_network_in_a_line(fields, shape, said):
    assert describe(Recipe().but(**fields), shape, 6) == said

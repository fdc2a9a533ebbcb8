import numpy as np
import pytest
import torch
from PIL import Image

from classification.comparison.data_prep import DataPrep, as_pixels, check_prep, labels_of
from classification.errors import FieldmarkError

from .images import Bars, pictures


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (8, 8), (255, 0, 0)),
        np.full((8, 8, 3), (255, 0, 0), dtype=np.uint8),
        torch.tensor([255, 0, 0], dtype=torch.uint8).reshape(3, 1, 1).expand(3, 8, 8),
    ],
)
def test_pictures_of_any_kind_become_square_pixels(picture):
    pixels = as_pixels(picture, 16)
    assert pixels.shape == (16, 16, 3)
    assert (pixels == (255, 0, 0)).all()


def test_grey_pictures_get_three_channels():
    assert as_pixels(np.zeros((28, 28), dtype=np.uint8), 32).shape == (32, 32, 3)
    assert as_pixels(np.zeros((28, 28, 1), dtype=np.uint8)).shape == (28, 28, 3)


def test_pictures_that_were_normalised_already_are_refused_with_advice():
    with pytest.raises(FieldmarkError, match="Leave ToTensor and Normalize out"):
        as_pixels(torch.zeros(3, 8, 8))


def test_a_dataset_that_lacks_something_hears_all_of_it():
    class Bad(DataPrep):
        name, classes = "bad", ("one",)
        train, query = pictures(6), pictures(3)

    with pytest.raises(FieldmarkError) as caught:
        check_prep(Bad())
    assert "test is not set" in str(caught.value)
    assert "two classes or more" in str(caught.value)
    prep = Bars()
    prep.classes = ("top", "middle")
    with pytest.raises(FieldmarkError, match=r"query has class ids 0 to 2; there are 2 classes"):
        check_prep(prep)


def test_labels_come_one_by_one_where_there_are_no_targets():
    assert labels_of([("picture", 1), ("picture", 0)]).tolist() == [1, 0]


def test_the_digest_follows_labels_and_pixels():
    assert Bars().digest() == Bars().digest()
    other = Bars()
    other.test = pictures(30, seed=2)
    assert other.digest() != Bars().digest()

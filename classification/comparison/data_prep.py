"""Images for networks that are trained end to end: what a dataset must give, and its arrays.

class Mine(DataPrep):
    name, classes, image_size = "mine", ("cat", "dog"), 64

    def __init__(self) -> None:
        self.train = self.query = MyImages("train")
        self.test = MyImages("test")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classification.data.images import ImageError, open_bytes, read_image_file
from classification.errors import FieldmarkError
from classification.files import sha256_bytes, sha256_lines

if TYPE_CHECKING:
    from PIL import Image

_DIGESTED = 64  # images whose pixels are part of a dataset's hash

Picture = Any
"""A PIL image, or uint8 pixels: an array [H, W] or [H, W, 3], or a torch tensor [3, H, W]."""


class Images(Protocol):
    """Pictures with class ids; any torch `Dataset` of pictures is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Picture, int]:
        """A picture and its class id."""
        ...


class DataPrep:
    """A dataset to compare strategies on: subclass it and set `train`, `query` and `test`.

    Attributes:
        name: of the dataset.
        classes: class names; the position is the class id.
        train: the pool as training sees it.
        query: the same items in the same order, as strategies and predictions see them; `train`
            itself where training changes nothing. Flips, shifts and the like are the recipe's
            (`FinetuneConfig.augment`), so that they are the same for all.
        test: never trained on.
        image_size: side in pixels that pictures are stretched to.
        bursts: int64 [len(query)], frames that belong together; None: each by itself.
        locations: int64 [len(query)], camera locations; None where unknown.
    """

    name: str = ""
    classes: tuple[str, ...] = ()
    train: Images
    query: Images
    test: Images
    image_size: int = 32
    bursts: NDArray[np.int64] | None = None
    locations: NDArray[np.int64] | None = None

    def part(self, key: str) -> Images:
        """train, query or test."""
        return getattr(self, key)

    def digest(self) -> str:
        """Identity of labels, classes and, for some of the items, pixels."""
        lines = [self.name, *self.classes]
        for key in ("query", "test"):
            images = self.part(key)
            lines.append(sha256_bytes(labels_of(images).tobytes()))
            some = np.linspace(0, len(images) - 1, min(_DIGESTED, len(images)), dtype=int)
            lines += [sha256_bytes(as_pixels(images[int(i)][0]).tobytes()) for i in some]
        return sha256_lines(lines)[:16]


def check_prep(prep: DataPrep) -> None:
    """Refuse a dataset that lacks something.

    Raises:
        FieldmarkError: all that is wrong with it.
    """
    missing = [k for k in ("train", "query", "test") if getattr(prep, k, None) is None]
    problems = [f"{key} is not set" for key in missing]
    if not prep.name or len(prep.classes) < 2:
        problems.append("it needs a name and two classes or more")
    if not missing:
        if len(prep.train) != len(prep.query):
            problems.append(f"train has {len(prep.train)} items and query {len(prep.query)}")
        problems += [f"{k} is empty" for k in ("query", "test") if not len(prep.part(k))]
    for key in ("query", "test") if not problems else ():
        labels = labels_of(prep.part(key))
        if not 0 <= labels.min() <= labels.max() < len(prep.classes):
            problems.append(
                f"{key} has class ids {labels.min()} to {labels.max()}; there are "
                f"{len(prep.classes)} classes, from 0"
            )
    if problems:
        raise FieldmarkError.from_problems(
            f"the dataset {type(prep).__name__} cannot be used:", problems
        )


def labels_of(images: Images) -> NDArray[np.int64]:
    """Class ids [N]: its `targets`, as torchvision's sets have them, or one by one."""
    targets = getattr(images, "targets", None)
    if targets is None:
        targets = [images[i][1] for i in range(len(images))]
    return np.asarray(targets, dtype=np.int64)


def as_pixels(picture: Picture, size: int = 0) -> NDArray[np.uint8]:
    """A picture as uint8 [size, size, 3]; with a size of 0 as large as it is.

    Raises:
        FieldmarkError: not a picture, or one that was already normalised.
    """
    from PIL import Image

    if not isinstance(picture, Image.Image):
        picture = _from_array(picture)
    picture = picture.convert("RGB")
    if size and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture)


def _from_array(picture: Picture) -> "Image.Image":
    from PIL import Image

    pixels = np.asarray(picture)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3) and pixels.shape[2] not in (1, 3):
        pixels = pixels.transpose(1, 2, 0)  # a tensor
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise FieldmarkError(
            f"a picture is {pixels.dtype} {list(pixels.shape)}; give PIL images or uint8 pixels. "
            "Leave ToTensor and Normalize out: the comparison does that, for all alike."
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


@dataclass(frozen=True, kw_only=True)
class ArrayImages:
    """Pictures in memory: uint8 [N, H, W] or [N, H, W, 3], class ids int64 [N]."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int, /) -> tuple[NDArray[np.uint8], int]:
        """A picture and its class id."""
        return self.pixels[index], int(self.targets[index])


@dataclass(frozen=True, kw_only=True)
class FileImages:
    """Pictures in files, class ids int64 [N]."""

    folder: Path
    paths: Sequence[str]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int, /) -> tuple["Image.Image", int]:
        """A picture and its class id.

        Raises:
            FieldmarkError: the file is missing or broken.
        """
        path = self.folder / self.paths[index]
        try:
            return open_bytes(read_image_file(path)).decode().image, int(self.targets[index])
        except ImageError as error:
            raise FieldmarkError(
                f"image {path} cannot be read: {error}. Mend it or take it out of the dataset."
            ) from error

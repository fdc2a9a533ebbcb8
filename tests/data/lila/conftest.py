"""A small LILA on the loopback: three datasets, three clouds, labels with a taxonomy."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classification.data.download.fetch import Patience
from classification.data.download.loopback import Loopback
from classification.data.lila.options import LilaOptions

CLOUDS = ("gcp", "aws", "azure")
TAXA = {  # label -> scientific, common, order, family, genus, species
    "empty": ("", "", "", "", "", ""),
    "car": ("", "", "", "", "", ""),
    "human": ("homo sapiens", "human", "primates", "hominidae", "homo", "homo sapiens"),
    "rat": ("rattus", "rats", "rodentia", "muridae", "rattus", ""),
    "black_rat": ("rattus rattus", "black rat", "rodentia", "muridae", "rattus", "rattus rattus"),
    "squirrel": ("sciuridae", "squirrel family", "rodentia", "sciuridae", "", ""),
    "fox": ("vulpes vulpes", "red fox", "carnivora", "canidae", "vulpes", "vulpes vulpes"),
}
RANKS = ["kingdom", "order", "family", "genus", "species"]
DATASETS = ("Island Camera Traps", "Forest Cams", "Nowhere")


@dataclass(frozen=True)
class Row:
    dataset: str
    number: int
    label: str
    location: str
    sequence: str
    when: str

    @property
    def name(self) -> str:
        return f"cam {self.location}/IMG#{self.number:04d}.jpg"

    @property
    def image_id(self) -> str:
        return f"{self.dataset} : im{self.number}"


def rows() -> list[Row]:
    """120 images; image 5 of a dataset has two labels, image 6 two of one class's labels."""
    found = []
    labels = list(TAXA)
    for dataset in DATASETS:
        for n in range(40):
            label = labels[n % len(labels)] if n % 3 else "rat"
            day = f"{1 + n // 28:02d}-{1 + n % 28:02d}-2019 10:00:00"
            row = Row(dataset, n, label, str(n % 4), f"s{n // 3}", day if n != 12 else "")
            found.append(row)
            if n == 5:
                found.append(Row(dataset, n, "car", row.location, row.sequence, row.when))
            if n == 6:
                found.append(Row(dataset, n, "black_rat", row.location, row.sequence, row.when))
    return found


def photo(number: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def slug(dataset: str) -> str:
    return dataset.lower().replace(" ", "-")


def zipped(name: str, text: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return stream.getvalue()


def table_csv(base: str) -> str:
    """The table of all images, in the columns and forms of the published one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["dataset_name", *(f"url_{c}" for c in CLOUDS), "image_id", "sequence_id", "location_id",
         "frame_num", "original_label", "scientific_name", "common_name", "datetime",
         "annotation_level", *RANKS]
    )  # fmt: skip
    for row in rows():
        urls = [f"{base}/{cloud}/{slug(row.dataset)}/{row.name}" for cloud in CLOUDS]
        placed = row.dataset != "Nowhere"
        scientific, common, *ranks = TAXA[row.label]
        writer.writerow(
            [row.dataset, *urls, row.image_id,
             f"{row.dataset} : {row.sequence}" if placed else f"{row.dataset} : unknown",
             f"{row.dataset} : {row.location}" if placed else row.dataset,
             row.number % 3 if placed else -1, row.label, scientific, common, row.when,
             "sequence" if row.dataset == "Forest Cams" else "image", "animalia", *ranks]
        )  # fmt: skip
    return out.getvalue()


def taxonomy_csv() -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["dataset_name", "query", "source", "scientific_name", "common_name", *RANKS])
    for dataset in DATASETS:
        for label, (scientific, common, *ranks) in TAXA.items():
            kingdom = "animalia" if scientific else ""
            writer.writerow([dataset, label, "inat", scientific, common, kingdom, *ranks])
    return out.getvalue()


def catalog_csv(base: str) -> str:
    out = io.StringIO()
    kinds = ("image_base_url", "metadata_url", "bbox_url")
    writer = csv.writer(out)
    writer.writerow(
        ["name", "short_name", "country", "region", *(f"{k}_{c}" for k in kinds for c in CLOUDS)]
    )
    for dataset in DATASETS:
        images = [f"{base}/{cloud}/{slug(dataset)}" for cloud in CLOUDS]
        metadata = [f"{base}/{cloud}/meta/{slug(dataset)}.json.zip" for cloud in CLOUDS]
        boxes = [f"{base}/{cloud}/meta/{slug(dataset)}_boxes.json" for cloud in CLOUDS]
        boxes = boxes if dataset == "Island Camera Traps" else [""] * 3
        writer.writerow([dataset, slug(dataset), "Utopia", "", *images, *metadata, *boxes])
    writer.writerow(["Island Camera Traps bbox", "", "", "", *[""] * 9])
    return out.getvalue()


def dataset_json(dataset: str) -> str:
    """A dataset's own JSON: integer ids and locations, NaN, back slashes, EXIF dates."""
    labels = list(TAXA)
    mine = [row for row in rows() if row.dataset == dataset]
    images = {
        row.number: {
            "id": f"im{row.number}",
            "file_name": row.name.replace("/", "\\"),
            "location": int(row.location) if dataset != "Nowhere" else float("nan"),
            "seq_id": row.sequence,
            "datetime": f"2019:{row.when[:2]}:{row.when[3:5]} 10:00:00" if row.when else None,
        }
        for row in mine
    }
    annotations = [
        {"id": str(n), "image_id": f"im{row.number}", "category_id": labels.index(row.label)}
        for n, row in enumerate(mine)
    ]
    categories = [{"id": n, "name": label.upper()} for n, label in enumerate(labels)]
    value = {"images": list(images.values()), "annotations": annotations, "categories": categories}
    return json.dumps(value)


def boxes_json() -> str:
    """Boxes of the first dataset: 'animal' on image 0, a fox on image 6, NaN on image 9."""
    images = [
        {"id": f"im{n}", "file_name": f"cam {n % 4}/IMG#{n:04d}.jpg", "width": 100, "height": 80}
        for n in (0, 6, 9)
    ]
    boxes = [
        {"id": "b0", "image_id": "im0", "category_id": 1, "bbox": [1, 2, 30, 40]},
        {"id": "b1", "image_id": "im0", "category_id": 1, "bbox": [50, 2, 30, 40]},
        {"id": "b2", "image_id": "im6", "category_id": 2, "bbox": [5, 5, 10, 10]},
        {"id": "b3", "image_id": "im9", "category_id": 1, "bbox": [1, float("nan"), 3, 4]},
    ]
    categories = [{"id": 1, "name": "animal"}, {"id": 2, "name": "fox"}]
    return json.dumps({"images": images, "annotations": boxes, "categories": categories})


@dataclass(frozen=True)
class Lila:
    """The server and where its three tables are."""

    server: Loopback

    @property
    def addresses(self) -> dict[str, str]:
        url = self.server.url
        return {
            "datasets_url": f"{url}/datasets.csv",
            "all_images_url": f"{url}/images.csv.zip",
            "taxonomy_url": f"{url}/taxonomy.csv",
        }


@pytest.fixture
def lila(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Lila]:
    monkeypatch.setattr(Patience, "wait", lambda self, repeat: 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    files: dict[str, bytes] = {}
    with Loopback(files) as server:
        files["images.csv.zip"] = zipped("images.csv", table_csv(server.url))
        files["datasets.csv"] = catalog_csv(server.url).encode()
        files["taxonomy.csv"] = taxonomy_csv().encode()
        for dataset in DATASETS:
            text = zipped(f"{slug(dataset)}.json", dataset_json(dataset))
            for cloud in CLOUDS:
                files[f"{cloud}/meta/{slug(dataset)}.json.zip"] = text
                files[f"{cloud}/meta/{slug(dataset)}_boxes.json"] = boxes_json().encode()
        for row in rows():
            for cloud in CLOUDS:
                files[f"{cloud}/{slug(row.dataset)}/{row.name}"] = photo(row.number)
        yield Lila(server)


@pytest.fixture
def select(lila: Lila, tmp_path: Path) -> Callable[..., LilaOptions]:
    """Options of a selection from the small LILA."""

    def make(**more: object) -> LilaOptions:
        values = {
            "command": "select",
            "output_dir": tmp_path / "subset",
            "cache_dir": tmp_path / "cache",
        }
        return LilaOptions(**(values | lila.addresses | more))

    return make

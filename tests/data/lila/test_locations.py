import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from classification.data.lila import locations as module
from classification.data.lila.locations import (
    SPECIES,
    count,
    find_species_locations,
    location_table,
)
from classification.data.lila.options import SpeciesOptions
from classification.errors import FieldmarkError


def table(folder: Path, slug: str) -> pd.DataFrame:
    with Image.open(folder / f"{slug}_locations.png") as figure:
        assert figure.width > 500
    return pd.read_csv(folder / f"{slug}_locations.csv").set_index("location")


def test_locations_of_a_json(tmp_path: Path, capsys) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg", "location": n % 3, "datetime": "2020-01-02 03:04"}
              for n in range(30)]  # fmt: skip
    names = ["empty", "Rat", "Bird"]
    annotations = [{"id": n, "image_id": n, "category_id": n % 2} for n in range(30)]
    annotations += [{"id": "x", "image_id": 3, "category_id": 2}]
    annotations += [{"id": "y", "image_id": 3, "category_id": 1}]  # a second rat in one image
    path = tmp_path / "cct.json"
    categories = [{"id": n, "name": name} for n, name in enumerate(names)]
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    find_species_locations(SpeciesOptions(species=["rat"], cct=[path], output_dir=tmp_path))
    found = table(tmp_path, "rat")
    assert found["species_images"].to_dict() == {0: 5, 1: 5, 2: 5}
    assert found["images"].to_dict() == {0: 10, 1: 10, 2: 10}
    assert found.loc[0, "others"] == "bird 1"
    assert found["empty_images"].sum() == 15
    assert found.loc[0, "first"] == "2020-01-02"
    assert "15 images at 3 locations" in capsys.readouterr().out


def test_locations_in_lilas_table(lila, tmp_path: Path, capsys) -> None:
    options = SpeciesOptions(
        species=["rodentia"], cache_dir=tmp_path / "c", output_dir=tmp_path, **lila.addresses
    )
    find_species_locations(options)
    found = table(tmp_path, "rodentia")
    assert len(found) == 9  # Nowhere's cameras are not told apart
    assert found.loc["Nowhere", "images"] == 40
    whole = found[found.index.str.startswith("Forest")].sum(numeric_only=True)
    assert whole["images"] == 40
    assert whole["species_images"] == found.loc["Nowhere", "species_images"]
    assert found.loc["Nowhere", "first"] == "2019-01-01"
    assert "red fox" in found.loc["Nowhere", "others"]


def test_counting_piece_by_piece_is_counting_the_whole(monkeypatch) -> None:
    seen = pd.DataFrame(
        {
            "location": [f"l{n % 3}" for n in range(60)],
            "image": [str(n // 2) for n in range(60)],
            "label": [f"c{n % 5}" if n % 5 else SPECIES for n in range(60)],
            "datetime": pd.Timestamp("2020-01-01") + pd.to_timedelta(range(60), unit="D"),
        }
    ).sort_values("image")
    whole = location_table(count([seen]))
    monkeypatch.setattr(module, "_COLLAPSE_AT", 10)
    groups = [group for _, group in seen.groupby("image", sort=False)]
    pd.testing.assert_frame_equal(location_table(count(groups)), whole)


def test_an_unknown_species_lists_what_there_is(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "metadata" / "caltech_cis_val_cct.json"
    with pytest.raises(FieldmarkError, match="raccoon"):
        find_species_locations(SpeciesOptions(species=["rat"], cct=[path], output_dir=tmp_path))
    options = SpeciesOptions(species=["rodent", "*squirrel"], cct=[path], output_dir=tmp_path)
    find_species_locations(options)
    assert table(tmp_path, "rodent-squirrel")["species_images"].sum() == 365

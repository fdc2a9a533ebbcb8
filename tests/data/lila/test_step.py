import json
import subprocess
import sys
from pathlib import Path

import pytest

from classification.data.cct import read_cct
from classification.data.download.options import DownloadOptions
from classification.data.download.step import download_images
from classification.data.lila.options import LilaOptions
from classification.data.lila.step import download_lila
from classification.errors import FieldmarkError
from classification.paths import SubsetPaths
from classification.schemas import SourceTable, read_csv


def chosen(options: LilaOptions):
    """What a selection wrote: the dataset, and its summary."""
    download_lila(options)
    assert options.output_dir
    paths = SubsetPaths(options.output_dir)
    return read_cct(paths.cct), json.loads(paths.summary.read_text())


def labels(cct) -> dict[str, set[str]]:
    table = cct.annotations.assign(name=cct.names)
    return {i: set(group) for i, group in table.groupby("image_id")["name"]}


def test_list_prints_the_datasets(lila, tmp_path: Path, capsys) -> None:
    download_lila(LilaOptions(command="list", cache_dir=tmp_path / "c", **lila.addresses))
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4
    assert out[1].split("  ")[0] == "Island Camera Traps"
    assert out[1].endswith("yes")


def test_the_command_line_does_the_same(lila, tmp_path: Path, root: Path) -> None:
    command = [sys.executable, str(root / "utils" / "download_lila.py"), "select"]
    command += ["--output-dir", str(tmp_path / "rats"), "--cache-dir", str(tmp_path / "c")]
    command += ["--species", "genus:rattus", "red fox", "--per-class", "3", "--cloud", "aws"]
    for name, address in lila.addresses.items():
        command += [f"--{name.replace('_', '-')}", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "vulpes vulpes: 3 of" in done.stdout
    assert len(read_cct(tmp_path / "rats" / "rats_cct.json").images) == 9
    command[command.index("genus:rattus")] = "unicorn"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_metadata_is_unzipped_cached_and_read_in_spite_of_nan(lila, tmp_path, capsys) -> None:
    options = LilaOptions(
        command="metadata", dataset=["nowhere"], cache_dir=tmp_path / "c", **lila.addresses
    )
    download_lila(options)
    path = tmp_path / "c" / "nowhere" / "nowhere.json"
    cct = read_cct(path)
    assert len(cct.images) == 40
    assert cct.images["location"].isna().all()
    assert "--source" in capsys.readouterr().out
    lila.server.gets.clear()
    download_lila(options)
    assert not lila.server.gets


@pytest.mark.parametrize("rows_from", ["table", "metadata"])
def test_a_taxon_is_selected_whatever_its_labels(select, rows_from: str) -> None:
    names = ["Island Camera Traps", "forest-cams", "Nowhere"]
    more = {"dataset": names, "boxes": "none", "rows_from": rows_from}
    cct, summary = chosen(select(species=["muridae"], **more))
    assert set(cct.categories["name"]) == {"empty", "rattus", "rattus rattus"}
    assert summary["classes"]["rattus"]["images"] == 3 * sum(
        n % 3 == 0 or n % 7 == 3 for n in range(40)
    )
    image = cct.images.set_index("id").loc["Forest Cams : im4"]  # a black rat
    assert image["file_name"] == "forest-cams/cam 0/IMG#0004.jpg"
    assert image["location"] == "Forest Cams : 0"
    assert image["datetime"] == "2019-01-05 10:00:00"
    assert labels(cct)["Forest Cams : im6"] == {"rattus", "rattus rattus"}
    assert cct.images.set_index("id").loc["Nowhere : im4"]["location"] != "Nowhere"
    assert cct.images["location"].isna().sum() == len(cct.images) / 3


def test_the_two_sources_of_rows_agree(select, tmp_path: Path) -> None:
    common = {"dataset": ["Forest Cams"], "species": ["rodentia"], "per_location": 2}
    one, _ = chosen(select(**common))
    two, _ = chosen(select(rows_from="metadata", output_dir=tmp_path / "two", **common))
    columns = ["id", "file_name", "location", "seq_id", "datetime"]
    assert one.images[columns].equals(two.images[columns])
    assert labels(one) == labels(two)


def test_everything_but_people_is_selected_where_no_species_is_named(select) -> None:
    cct, _ = chosen(select())
    assert set(cct.categories["name"]) == {
        "empty", "rattus", "rattus rattus", "sciuridae", "vulpes vulpes",
    }  # fmt: skip
    assert "empty" not in set(cct.names)


def test_classes_can_be_a_rank_and_species_can_be_left_out(select) -> None:
    cct, _ = chosen(
        select(species=["rodentia"], exclude=["squirrel"], class_name="genus", empties=True)
    )
    assert set(cct.names) == {"rattus", "empty"}
    assert dict(zip(cct.categories["name"], cct.categories["id"], strict=True))["empty"] == 0


def test_images_that_show_something_else_are_left_out_or_kept(select, tmp_path) -> None:
    # image 5 is a squirrel and a car
    cct, summary = chosen(select(species=["sciuridae"]))
    assert not cct.images["id"].str.endswith("im5").any()
    assert summary["left_out"]["mixed"] == 3
    cct, _ = chosen(select(species=["sciuridae"], mixed=True))
    assert cct.images["id"].str.endswith("im5").sum() == 3


def test_limits_locations_and_dates(select) -> None:
    cct, _ = chosen(select(species=["rattus"], per_class=7, class_name="genus"))
    assert len(cct.images) == 7
    cct, _ = chosen(select(species=["rattus"], per_location=2, class_name="genus"))
    assert cct.images["location"].value_counts().max() == 2
    assert cct.images["location"].nunique() == 8
    cct, _ = chosen(select(species=["rattus"], per_sequence=1, class_name="genus"))
    assert cct.images.dropna(subset="seq_id").groupby(["location", "seq_id"]).size().max() == 1
    cct, _ = chosen(select(location=["1", "Forest Cams : 2"]))
    assert set(cct.images["location"]) == {
        "Island Camera Traps : 1", "Forest Cams : 1", "Forest Cams : 2",
    }  # fmt: skip
    cct, summary = chosen(select(start="2019-01-10", end="2019-01-12", species=["animalia"]))
    assert set(cct.images["datetime"].str[:10]) == {f"2019-01-{d}" for d in (10, 11, 12)}
    assert summary["left_out"]["undated"] == 3


def test_a_seed_gives_the_same_images_and_another_seed_others(select, tmp_path) -> None:
    def ids(**more: object) -> list[str]:
        cct, _ = chosen(select(species=["rattus"], per_class=9, class_name="genus", **more))
        return list(cct.images["id"])

    assert ids() == ids(output_dir=tmp_path / "again") != ids(seed=1, output_dir=tmp_path / "b")


def test_boxes_are_joined_where_published(select) -> None:
    cct, summary = chosen(select(species=["rattus"], class_name="genus"))
    island = cct.annotations[cct.annotations["image_id"] == "Island Camera Traps : im0"]
    assert island["bbox"].tolist() == [[1, 2, 30, 40], [50, 2, 30, 40]]
    assert cct.images.set_index("id").loc["Island Camera Traps : im0", "width"] == 100
    fox = cct.annotations[cct.annotations["image_id"] == "Island Camera Traps : im6"]
    assert fox["bbox"].isna().all()  # the box shows a fox; the rat's label stays
    assert summary["boxes"] == {"images": 1, "boxes": 2, "other_class": 1}
    assert cct.annotations["id"].is_unique
    assert cct.annotations["id"].str.fullmatch("[0-9a-f]+").all()
    level = cct.annotations.set_index("image_id")["sequence_level_annotation"]
    assert level["Forest Cams : im0"]
    assert not level["Nowhere : im0"]


def test_images_arrive_from_whichever_cloud_has_them(select, lila, tmp_path) -> None:
    options = select(species=["rattus"], per_class=12, cloud=["azure", "gcp", "aws"])
    cct, _ = chosen(options)
    sources = read_csv(tmp_path / "subset" / "sources.csv", SourceTable, what="sources")
    assert sources["url_1"].str.contains("/azure/").all()
    lila.server.fault = lambda path, tries: "missing" if path.startswith("azure") else ""
    download_images(
        DownloadOptions(
            cct_json=tmp_path / "subset" / "subset_cct.json",
            manifest=tmp_path / "subset" / "sources.csv",
            output_dir=tmp_path / "images",
        )
    )
    for name in cct.images["file_name"]:
        assert (tmp_path / "images" / name).stat().st_size > 100


def test_tables_come_from_a_bucket_or_a_file_as_well(select, lila, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", lila.server.url)
    files = dict(lila.server.files)
    lila.server.files["bucket/t/images.csv.zip"] = files["images.csv.zip"]
    (tmp_path / "taxonomy.csv").write_bytes(files["taxonomy.csv"])
    cct, _ = chosen(
        select(
            species=["rattus"],
            all_images_url="s3://bucket/t/images.csv.zip",
            taxonomy_url=str(tmp_path / "taxonomy.csv"),
        )
    )
    assert len(cct.images)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"species": ["ratus"]}, "similar: "),
        ({"dataset": ["Island Camera Trap"]}, "island camera traps"),
        ({"species": ["rattus"], "location": ["atlantis"]}, "none of 120 images fits"),
        ({"max_images": 5}, "--max-images"),
        ({"start": "1.1.2019", "per_class": -1}, "(?s)--per-class.*--start"),
        ({"rows_from": "metadata"}, "--dataset"),
        ({"output_dir": None}, "--output-dir"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(select, more, message) -> None:
    with pytest.raises(FieldmarkError, match=message):
        download_lila(select(**more))


def test_an_error_page_for_a_table_is_not_kept(select, lila, tmp_path) -> None:
    lila.server.files["taxonomy.csv"] = b"<html>moved</html>"
    with pytest.raises(FieldmarkError, match="error page"):
        download_lila(select())
    assert not (tmp_path / "cache" / "taxonomy.csv").exists()


def test_refresh_fetches_again_and_a_failed_refresh_keeps_the_old(select, lila, tmp_path) -> None:
    download_lila(select(species=["rattus"]))
    old = lila.server.files.pop("datasets.csv")
    with pytest.raises(FieldmarkError, match="cannot be fetched"):
        download_lila(select(species=["rattus"], refresh=True))
    assert (tmp_path / "cache" / "datasets.csv").read_bytes() == old
    lila.server.files["datasets.csv"] = old
    before = (tmp_path / "cache" / "images.csv.zip").stat().st_ino
    download_lila(select(species=["rattus"], refresh=True))
    assert (tmp_path / "cache" / "images.csv.zip").stat().st_ino != before

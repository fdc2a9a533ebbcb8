import json
from pathlib import Path

import pytest

from classification.data.download.items import resolve, under, wanted
from classification.data.download.options import DownloadOptions
from classification.errors import FieldmarkError


def ask(path: Path, **more: object) -> DownloadOptions:
    return DownloadOptions(cct_json=path, output_dir=path.parent / "out", **more)


def test_animl_exports_name_their_keys(write_dataset) -> None:
    image = {
        "id": "p:1",
        "file_name": "proj/cam/dep/p-1.jpg",
        "serving_bucket_key": "original/p:1-original.jpg",
    }
    want = wanted(ask(write_dataset([image])))
    assert want.animl
    assert want.items[0].path == "proj/cam/dep/p-1.jpg"
    assert want.items[0].addresses == ("s3://animl-images-serving-prod/original/p:1-original.jpg",)


def test_an_animl_image_without_a_key_is_a_reject(write_dataset) -> None:
    images = [{"id": 1, "file_name": "a.jpg", "serving_bucket_key": "k"}, {"file_name": "b.jpg"}]
    want = wanted(ask(write_dataset(images)))
    assert [item.path for item in want.items] == ["a.jpg"]
    assert want.rejects[0].reason == "no_address"


def test_web_addresses_are_quoted_and_keys_are_not() -> None:
    name = "cam 1\\a#b?100%.jpg"
    assert under(["https://x.org/d/"], name) == ("https://x.org/d/cam%201/a%23b%3F100%25.jpg",)
    assert under(["s3://b/p"], name) == ("s3://b/p/cam 1/a#b?100%.jpg",)


def test_unsafe_and_clashing_names_are_rejected_with_reasons_and_the_rest_is_kept() -> None:
    want = resolve(
        [
            ("ok.jpg", ["https://x/ok"]),
            ("ok.jpg", ["https://x/ok"]),
            ("cam\\b.jpg", ["https://x/b"]),
            ("cam/b.jpg", ["https://x/other"]),
            ("../up.jpg", ["https://x/up"]),
            ("download.db", ["https://x/db"]),
            ("download.db-journal", ["https://x/db"]),
            ("lost.jpg", []),
        ]
    )
    assert [item.path for item in want.items] == ["ok.jpg", "cam/b.jpg"]
    assert sorted(r.reason for r in want.rejects) == [
        "name_clash",
        "no_address",
        "unsafe_name",
        "unsafe_name",
        "unsafe_name",
    ]


def test_a_manifest_gives_every_url_column_as_a_mirror(write_dataset, tmp_path: Path) -> None:
    manifest = tmp_path / "sources.csv"
    manifest.write_text(
        "file_name,url_1,url_2\na.jpg,https://x/a,https://y/a\nb.jpg,https://x/b,\n"
    )
    want = wanted(ask(write_dataset(["a.jpg", "b.jpg", "c.jpg"]), manifest=manifest))
    assert [item.addresses for item in want.items] == [
        ("https://x/a", "https://y/a"),
        ("https://x/b",),
    ]
    assert [(r.path, r.reason) for r in want.rejects] == [("c.jpg", "no_address")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"images": []}, "names no images"),
        ({"annotations": []}, "no list of images"),
        ([1], "no list of images"),
        ({"images": [{"file_name": "a.jpg"}]}, "--source"),
    ],
)
def test_a_dataset_that_cannot_be_fetched_says_what_to_do(
    tmp_path: Path, content: object, message: str
) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FieldmarkError, match=message):
        wanted(ask(path))


def test_bad_options_are_all_named_at_once(tmp_path: Path) -> None:
    options = ask(tmp_path, source=["ftp://x"], max_threads=0, anonymous=True, profile="p")
    with pytest.raises(FieldmarkError) as error:
        options.check()
    assert all(part in str(error.value) for part in ("ftp://x", "--max-threads", "--anonymous"))

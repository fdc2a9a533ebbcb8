"""The LILA step: list the datasets, fetch metadata, or select images."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from classification.data.cct import write_cct
from classification.data.download.web import Web
from classification.data.lila.boxes import BoxFile, read_boxes
from classification.data.lila.cache import Cache
from classification.data.lila.catalog import Dataset, listing, pick, read_catalog
from classification.data.lila.metadata import fetch_boxes, fetch_metadata, metadata_rows
from classification.data.lila.options import LilaOptions
from classification.data.lila.report import asked, summary, told
from classification.data.lila.select import Choice, choose, label_key
from classification.data.lila.subset import subset
from classification.data.lila.table import COLUMNS, read_table, table_bytes
from classification.data.lila.taxa import (
    EMPTY_LABELS,
    animals,
    class_names,
    labels_of,
    read_taxonomy,
)
from classification.data.lila.thin import Shares
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import SubsetPaths
from classification.schemas import SourceTable, write_csv


def download_lila(options: LilaOptions) -> None:
    """Do what ``options.command`` says.

    Raises:
        FieldmarkError: unusable options, unknown names, nothing found, an address that fails.
    """
    options.check()
    with Web(threads=8, timeout=60.0) as web:
        cache = Cache(options.cache_dir, web=web, refresh=options.refresh)
        path = cache.get([options.datasets_url], what="list of datasets")
        datasets = pick(read_catalog(path, clouds=options.cloud), options.dataset)
        if options.command == "list":
            print(listing(datasets))
        elif options.command == "metadata":
            for dataset in datasets:
                _metadata(dataset, cache, wanted=options.boxes)
        else:
            _select(options, datasets, cache)


def make_choice(options: LilaOptions, taxonomy: pd.DataFrame, names: Sequence[str]) -> Choice:
    """What `options` ask for, in the labels of the datasets `names` (none: all)."""
    rows = taxonomy[taxonomy["dataset_name"].isin(names)] if names else taxonomy
    chosen = labels_of(rows, options.species) if options.species else animals(rows)
    if options.exclude:
        chosen &= ~labels_of(rows, options.exclude)
    if options.empties:
        chosen |= rows["query"].isin(EMPTY_LABELS)
    else:
        chosen &= ~rows["query"].isin(EMPTY_LABELS)
    rows = rows[chosen]
    called = class_names(rows, options.class_name)
    keys = map(label_key, rows["dataset_name"], rows["query"])
    return Choice(
        classes=dict(zip(keys, called, strict=True)),
        locations=options.location,
        start=options.start,
        end=options.end,
        mixed=options.mixed,
    )


def _metadata(dataset: Dataset, cache: Cache, *, wanted: str) -> None:
    path = fetch_metadata(dataset, cache)
    print(f"{dataset.name}: {path}")
    if wanted != "none" and (boxes := fetch_boxes(dataset, cache)):
        print(f"  with boxes: {boxes}")
    command = ["--cct-json", str(path), "--output-dir", f"data/raw/{dataset.slug}"]
    command += ["--source", *dataset.images]
    print(f"  images: python utils/download_images.py {shlex.join(command)}")


def _select(options: LilaOptions, datasets: Sequence[Dataset], cache: Cache) -> None:
    assert options.output_dir  # check() saw to it
    names = [dataset.name for dataset in datasets] if options.dataset else []
    taxonomy = read_taxonomy(cache.get([options.taxonomy_url], what="taxonomy mapping"))
    choice = make_choice(options, taxonomy, names)
    shares = Shares(
        per_class=options.per_class,
        per_location=options.per_location,
        per_sequence=options.per_sequence,
        seed=options.seed,
    )
    pieces = _pieces(options, datasets, cache)
    rows, counts = choose(pieces, choice, shares, max_images=options.max_images)
    if rows.empty:
        raise FieldmarkError(
            f"none of {counts.images:,} images fits ({counts.mixed:,} show something else as well: "
            f"--mixed; {counts.undated:,} have no date). Widen --species, --location, --start or "
            "--end."
        )
    boxes = {
        dataset.name: found
        for dataset in datasets
        if dataset.name in set(rows["dataset_name"]) and (found := _boxes(dataset, options, cache))
    }
    info = {"version": "1.0", "description": f"Selected from lila.science: {asked(options)}"}
    made = subset(rows, datasets, boxes, clouds=options.cloud, info=info)
    paths = SubsetPaths(options.output_dir)
    write_csv(paths.sources, made.sources, SourceTable)
    write_json(paths.summary, summary(options, rows, counts, made))
    write_cct(paths.cct, made.cct)
    print(told(rows, counts, made))
    command = ["--cct-json", str(paths.cct), "--manifest", str(paths.sources)]
    command += ["--output-dir", str(paths.root / "images")]
    print(f"next: python utils/download_images.py {shlex.join(command)}")


def _pieces(options: LilaOptions, datasets: Sequence[Dataset], cache: Cache) -> Iterator[pa.Table]:
    if options.rows_from == "metadata":
        for dataset in datasets:
            yield metadata_rows(dataset, fetch_metadata(dataset, cache), clouds=options.cloud)
        return
    path = cache.get([options.all_images_url], what="table of all images")
    yield from read_with_progress(path, COLUMNS)


def read_with_progress(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """`read_table` under a progress bar."""
    size = table_bytes(path)
    with tqdm(total=size, unit="B", unit_scale=True, desc=path.name, disable=None) as bar:
        yield from read_table(path, columns, on_bytes=bar.update)


def _boxes(dataset: Dataset, options: LilaOptions, cache: Cache) -> BoxFile | None:
    if options.boxes == "none":
        return None
    path = fetch_boxes(dataset, cache)
    if path is None and options.boxes == "all":
        path = fetch_metadata(dataset, cache)
    return read_boxes(path) if path else None

"""Which camera locations hold a species, and what else is there."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from classification.data.cct import Cct, read_cct
from classification.data.download.web import Web
from classification.data.lila.cache import Cache
from classification.data.lila.catalog import pick, read_catalog, slug_of
from classification.data.lila.location_figure import location_figure
from classification.data.lila.options import CLOUDS, SpeciesOptions
from classification.data.lila.select import label_key
from classification.data.lila.step import read_with_progress
from classification.data.lila.table import DATETIME, SHORT, image_starts, pc
from classification.data.lila.taxa import (
    EMPTY,
    EMPTY_LABELS,
    class_names,
    labels_of,
    matches,
    read_taxonomy,
)
from classification.errors import FieldmarkError
from classification.files import atomic_open, atomic_path
from classification.paths import SpeciesPaths

SPECIES = "\0"
"""Stands for the species looked for among the labels; an image with two of them counts once."""
_COLLAPSE_AT = 500_000  # counted rows that wait to be added up
_COUNTED = ["location", "label", "images", "first", "last"]
_OTHERS = 6  # other labels named per location


def find_species_locations(options: SpeciesOptions) -> None:
    """Write and print the table of locations, and draw it.

    Raises:
        FieldmarkError: nobody knows the species, or it was not seen.
    """
    seen = _seen_in_cct(options) if options.cct else _seen_in_lila(options)
    table = location_table(count(seen))
    name = ", ".join(options.species)
    if table.empty:
        raise FieldmarkError(f"{name}: not seen at any location")
    paths, slug = SpeciesPaths(options.output_dir), slug_of("-".join(options.species))
    with atomic_open(paths.table(slug)) as f:
        table.to_csv(f, index=False, lineterminator="\n")
    with atomic_path(paths.figure(slug)) as temporary:
        figure = location_figure(table.head(options.top), title=concentration(table, name))
        figure.savefig(temporary, format="png", dpi=150)
    print(concentration(table, name))
    print(table.head(options.top).to_string(index=False, na_rep=""))
    print(f"all locations: {paths.table(slug)}\nfigure: {paths.figure(slug)}")


def count(seen: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add up what was seen.

    Args:
        seen: pieces with location, image, label (`SPECIES` for what is looked for), datetime (NaT
            where unknown); an image's rows, one per label, are in one piece.

    Returns:
        location, label, images, first, last; label NA holds all images of the location.
    """
    total: pd.DataFrame | None = None
    parts: list[pd.DataFrame] = []
    for piece in seen:
        parts += _counted(piece)
        # twice as long before each sum: every row is added up a handful of times, not hundreds
        if sum(map(len, parts)) > max(_COLLAPSE_AT, 0 if total is None else len(total)):
            total, parts = _added([*([] if total is None else [total]), *parts]), []
    return _added([*([] if total is None else [total]), *parts])


def location_table(counts: pd.DataFrame) -> pd.DataFrame:
    """One row per location that holds the species, most images first.

    Returns:
        location, images (all), species_images, share, empty_images, other_labels (number), others
        (the most frequent, with images), first, last (day the species was seen).
    """
    total = counts[counts["label"].isna()].set_index("location")["images"]
    named = counts[counts["label"].notna()]
    wanted = named[named["label"] == SPECIES]
    table = wanted.groupby("location").agg(
        species_images=("images", "sum"), first=("first", "min"), last=("last", "max")
    )
    rest = named[(named["label"] != SPECIES) & named["location"].isin(table.index)]
    empty = rest["label"] == EMPTY
    table["images"] = total.reindex(table.index)
    table["share"] = (table["species_images"] / table["images"]).round(4)
    empties = rest[empty].groupby("location")["images"].sum()
    table["empty_images"] = empties.reindex(table.index).fillna(0).astype("int64")
    others = rest[~empty].sort_values(["images", "label"], ascending=[False, True])
    groups = others.groupby("location")
    table["other_labels"] = groups.size().reindex(table.index).fillna(0).astype("int64")
    texts = {
        location: "; ".join(
            f"{row.label} {row.images}" for row in group.head(_OTHERS).itertuples(index=False)
        )
        for location, group in groups
    }
    table["others"] = [texts.get(location, "") for location in table.index]
    order = ["images", "species_images", "share", "empty_images", "other_labels", "others"]
    for column in ("first", "last"):
        table[column] = table[column].dt.strftime("%Y-%m-%d")
    table = table[[*order, "first", "last"]].reset_index()
    return table.sort_values(["species_images", "location"], ascending=[False, True]).reset_index(
        drop=True
    )


def concentration(table: pd.DataFrame, name: str) -> str:
    """How few locations hold how much: a camera that fills a class teaches its background."""
    total = int(table["species_images"].sum())
    shares = table["species_images"].cumsum() / total
    half = int((shares < 0.5).sum()) + 1
    return (
        f"{name}: {total:,} images at {len(table):,} locations; "
        f"{half:,} hold{'s' * (half == 1)} half of them"
    )


def _counted(piece: pd.DataFrame) -> list[pd.DataFrame]:
    """One piece's counts per location and label, and per location."""
    labelled = piece.drop_duplicates(["location", "image", "label"])
    every = piece.drop_duplicates(["location", "image"])
    found = []
    for rows, keys in ((labelled, ["location", "label"]), (every, ["location"])):
        groups = rows.groupby(keys, observed=True, sort=False)["datetime"]
        table = groups.agg(images="size", first="min", last="max").reset_index()
        if "label" not in table:
            table["label"] = None
        table["location"] = table["location"].astype("str")
        table["label"] = table["label"].astype("str")
        found.append(table[_COUNTED])
    return found


def _added(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=pd.Index(_COUNTED))
    groups = pd.concat(parts).groupby(["location", "label"], dropna=False, sort=False)
    return groups.agg(
        images=("images", "sum"), first=("first", "min"), last=("last", "max")
    ).reset_index()


def _seen_in_cct(options: SpeciesOptions) -> Iterator[pd.DataFrame]:
    sets = [(path, read_cct(path)) for path in options.cct]
    names = pd.concat([cct.categories["name"] for _, cct in sets]).str.lower().drop_duplicates()
    wanted = _fits(names, options.species)
    if not wanted.any():
        raise FieldmarkError(
            f"no category is called {', '.join(options.species)}; there are: "
            f"{', '.join(sorted(names))} (* stands for anything)"
        )
    chosen = set(names[wanted])
    for path, cct in sets:
        yield _seen(cct, chosen, prefix=f"{path.stem} : " if len(sets) > 1 else "")


def _seen(cct: Cct, chosen: set[str], *, prefix: str) -> pd.DataFrame:
    labels = cct.annotations[["image_id"]].assign(label=cct.names.str.lower())
    labels["label"] = labels["label"].where(~labels["label"].isin(EMPTY_LABELS), EMPTY)
    rows = cct.images[["id", "location", "datetime"]].merge(
        labels, left_on="id", right_on="image_id", how="left"
    )
    when = pd.to_datetime(rows["datetime"], format="mixed", errors="coerce", utc=True)
    return pd.DataFrame(
        {
            "location": prefix + rows["location"].fillna("unknown"),
            "image": rows["id"],
            "label": rows["label"].mask(rows["label"].isin(chosen), SPECIES).fillna("unlabelled"),
            "datetime": when.dt.tz_localize(None),
        }
    )


def _fits(names: pd.Series, species: Sequence[str]) -> pd.Series:
    found = pd.Series(False, index=names.index)
    for name in species:
        found |= matches(names, name.strip().lower())
    return found


def _seen_in_lila(options: SpeciesOptions) -> Iterator[pd.DataFrame]:
    with Web(threads=4, timeout=60.0) as web:
        cache = Cache(options.cache_dir, web=web, refresh=options.refresh)
        catalog = cache.get([options.datasets_url], what="list of datasets")
        datasets = pick(read_catalog(catalog, clouds=CLOUDS), options.dataset)
        taxonomy = read_taxonomy(cache.get([options.taxonomy_url], what="taxonomy mapping"))
        path = cache.get([options.all_images_url], what="table of all images")
    if options.dataset:
        taxonomy = taxonomy[taxonomy["dataset_name"].isin([d.name for d in datasets])]
    keys = map(label_key, taxonomy["dataset_name"], taxonomy["query"])
    names = class_names(taxonomy, "common_name").mask(labels_of(taxonomy, options.species), SPECIES)
    label_of = dict(zip(keys, names, strict=True))
    for piece in read_with_progress(path, SHORT):
        yield _seen_piece(piece, label_of)


def _seen_piece(piece: pa.Table, label_of: dict[str, str]) -> pd.DataFrame:
    """Rows of LILA's table with a known label, as categories: counting text is slow."""
    starts = image_starts(piece)
    label = pc.utf8_lower(piece["original_label"])
    key = pc.binary_join_element_wise(piece["dataset_name"], label, "|")
    key = key.combine_chunks().dictionary_encode()
    labels = pd.Series([label_of.get(k) for k in key.dictionary.to_pylist()], dtype="category")
    location = piece["location_id"].combine_chunks().dictionary_encode()
    rows = pd.DataFrame(
        {
            "location": location.to_pandas(),
            "image": np.repeat(np.arange(len(starts)), np.diff([*starts, len(piece)])),
            "label": labels.take(key.indices.to_numpy()).array,
            "datetime": pd.Series(pd.NaT, index=range(len(piece)), dtype="datetime64[us]"),
        }
    )
    species = (rows["label"] == SPECIES).to_numpy()
    texts = piece["datetime"].filter(pa.array(species)).to_pandas()
    when = pd.to_datetime(texts, format=DATETIME, errors="coerce").astype("datetime64[us]")
    rows.loc[species, "datetime"] = when.to_numpy()
    return rows[rows["label"].notna()]

"""Which camera locations hold a species, and what else is there."""

from collections.abc import Iterable, Iterator, Sequence

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
from classification.data.lila.table import DATETIME, SHORT
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

_COLLAPSE_AT = 500_000  # counted rows that wait to be added up
_WANTED = "\0"  # stands for the species looked for
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
        seen: pieces with location, image, label, wanted (bool), datetime (NaT where unknown); an
            image's rows, one per label, are in one piece.

    Returns:
        location, label, wanted, images, first, last; label NA holds all images of the location.
    """
    keys = ["location", "label", "wanted"]
    parts: list[pd.DataFrame] = []
    for piece in seen:
        # an image with two of the species is one image of the species
        piece = piece.assign(label=piece["label"].mask(piece["wanted"], _WANTED))
        every = piece.drop_duplicates(["location", "image"]).assign(label=None, wanted=False)
        rows = pd.concat([piece.drop_duplicates(["location", "image", "label"]), every])
        rows = rows.assign(images=1, first=rows["datetime"], last=rows["datetime"])
        parts.append(rows[[*keys, "images", "first", "last"]])
        if sum(map(len, parts)) > _COLLAPSE_AT:
            parts = [_added(parts, keys)]
    if not parts:
        return pd.DataFrame(columns=pd.Index([*keys, "images", "first", "last"]))
    return _added(parts, keys)


def location_table(counts: pd.DataFrame) -> pd.DataFrame:
    """One row per location that holds the species, most images first.

    Returns:
        location, images (all), species_images, share, empty_images, other_labels (number), others
        (the most frequent, with images), first, last (day the species was seen).
    """
    total = counts[counts["label"].isna()].set_index("location")["images"]
    named = counts[counts["label"].notna()]
    wanted = named[named["wanted"]]
    table = wanted.groupby("location").agg(
        species_images=("images", "sum"), first=("first", "min"), last=("last", "max")
    )
    rest = named[~named["wanted"] & named["location"].isin(table.index)]
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


def _added(parts: Sequence[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    groups = pd.concat(parts).groupby(keys, dropna=False)
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
            "label": rows["label"].fillna("unlabelled"),
            "wanted": rows["label"].isin(chosen),
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
    keys = list(map(label_key, taxonomy["dataset_name"], taxonomy["query"]))
    wanted = dict(zip(keys, labels_of(taxonomy, options.species), strict=True))
    names = dict(zip(keys, class_names(taxonomy, "common_name"), strict=True))
    for piece in read_with_progress(path, SHORT):
        yield _seen_piece(piece, wanted, names)


def _seen_piece(piece: pa.Table, wanted: dict[str, bool], names: dict[str, str]) -> pd.DataFrame:
    rows = piece.to_pandas()
    key = rows["dataset_name"] + "|" + rows["original_label"].str.lower()
    rows = rows[key.isin(names.keys())]
    key = key[rows.index]
    is_wanted = key.map(wanted).astype(bool)
    when = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    when[is_wanted] = pd.to_datetime(
        rows.loc[is_wanted, "datetime"], format=DATETIME, errors="coerce"
    ).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "location": rows["location_id"],
            "image": rows["image_id"],
            "label": key.map(names),
            "wanted": is_wanted,
            "datetime": when,
        }
    )

"""File names and ids that are unique in the combined dataset; a prefix only where one is needed."""

import pandas as pd

from classification.data.clean.draft import Draft


def make_unique(draft: Draft) -> Draft:
    """Prefix the names of inputs that clash with ``<input>/``, their ids with ``<input>_``.

    Which input an image came from and its name there stay in ``source`` and
    ``source_file_name``.
    """
    images, annotations = draft.images, draft.annotations
    file_name = _prefixed(images["file_name"], images["source"], "/")
    ids = _prefixed(images["id"], images["source"], "_")
    source = draft.of_image("source")
    draft = draft.set_annotations(
        id=_prefixed(annotations["id"], source, "_"),
        image_id=ids.reindex(annotations["image"]).set_axis(annotations.index),
    )
    return draft.set_images(file_name=file_name, id=ids)


def _prefixed(names: pd.Series, source: pd.Series, mark: str) -> pd.Series:
    """`names`, with a prefix on all those of an input that shares one with another input."""
    clashing = source[names.duplicated(keep=False)].unique()
    names = names.where(~source.isin(clashing), source + mark + names)
    number = names.groupby(names).cumcount()  # a name that looks like another one's prefix
    return names.where(number == 0, names + "_" + number.astype("str"))

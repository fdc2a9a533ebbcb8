"""Bursts out of time gaps, for images that came without ``seq_id``."""

import numpy as np
import pandas as pd

_ZONE = r"\s*(?:Z|[+-]\d\d:?\d\d)$"
_EXIF_DATE = r"^(\d{4}):(\d\d):(\d\d)"
_LILA_FORMAT = "%m-%d-%Y %H:%M:%S"


def parse_datetimes(texts: pd.Series) -> pd.Series:
    """Camera clock times; NaT where there is none.

    Reads ISO 8601 with ``T`` or a blank, EXIF's ``2020:05:08 19:23:36`` and LILA's
    ``05-08-2020 19:23:36``. A time zone is left out: gaps within one camera need none.
    """
    texts = texts.str.strip().str.replace(_ZONE, "", regex=True)
    texts = texts.str.replace(_EXIF_DATE, r"\1-\2-\3", regex=True)
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce")
    return times.fillna(pd.to_datetime(texts, format=_LILA_FORMAT, errors="coerce"))


def rebuild_sequences(images: pd.DataFrame, *, gap: float) -> pd.DataFrame:
    """`images` with ``seq_id``, ``seq_num_frames`` and ``frame_num`` where they had no ``seq_id``.

    Frames of one camera (dataset and location) belong together while each follows the one before
    within `gap` seconds. The id is ``<location>@<time of the first frame>``. Images without
    location or time stay without.
    """
    times = parse_datetimes(images["datetime"])
    lacks = images["seq_id"].isna() & images["location"].notna() & times.notna()
    if not lacks.any():
        return images
    work = images.loc[lacks, ["dataset", "location", "file_name"]].assign(time=times[lacks])
    work = work.sort_values(["dataset", "location", "time", "file_name"], kind="stable")
    camera = work.groupby(["dataset", "location"], sort=False).ngroup()
    late = work["time"].diff() > pd.Timedelta(seconds=gap)
    number = (late | (camera != camera.shift())).cumsum()
    burst = work.groupby(number)
    start = burst["time"].transform("first").dt.strftime("%Y-%m-%dT%H:%M:%S")
    columns = {
        "seq_id": work["location"] + "@" + start,
        "seq_num_frames": burst["time"].transform("size").astype(float),
        "frame_num": burst.cumcount().astype(float),
    }
    rebuilt = pd.DataFrame(columns).reindex(images.index)
    return images.assign(**{name: images[name].where(~lacks, rebuilt[name]) for name in columns})


def sequence_count(images: pd.DataFrame) -> int:
    """Bursts of two frames or more."""
    sizes = images.groupby(["dataset", "seq_id"]).size()
    return int(np.count_nonzero(sizes > 1))

"""Options of `label.py serve`; importable without Panel."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Label in the browser: this round's queries, or any other images of the run."""

    config: Path
    """runs/<model>/<experiment>/config.yml of the run."""
    address: str = "127.0.0.1"
    """Where to listen. Any but this machine's own (such as 0.0.0.0, the network) demands a token:
    open the address that is printed. It is not encrypted; use it in networks you trust, or behind a
    proxy with TLS."""
    port: int = 5006
    """0: any that is free."""
    token: str = ""
    """What browsers must bring; default: made up where one is needed."""
    annotator: str = ""
    """Who labels where a browser does not say; default: your login name."""
    images_dir: Path | None = None
    """Folder of the images that the crops were cut from, to show whole frames with the box."""
    several: bool = False
    """An image may show several classes: keys mark classes as present or absent, Enter stores."""
    feature_maps: bool = False
    """Keep what the backbone sees before it pools, too, so that the Model tab can train
    convolutions on it. Made once, as long as embedding takes; about 0.13 MB for each image."""
    open: bool = False
    """Open the page in this machine's browser."""

"""The labelling app over a label table, in a notebook or as a server of its own.

from classification.app.gui import GUI
from classification.labelling.label_table import prep_label_dataframe

gui = GUI(prep_label_dataframe(files, ["deer", "fox"]), store=Path("labels.db"))
gui.panel()          # in a notebook; gui.serve() elsewhere
gui.save(Path("labels.csv"))
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.app.items import Items
from classification.app.marks import UNKNOWN
from classification.app.serve import login_name, require_panel
from classification.app.state import AppState
from classification.errors import FieldmarkError
from classification.labelling.label_table import FIXED, save_label_dataframe
from classification.paths.labels import notebook_store

if TYPE_CHECKING:
    import pandas as pd
    import panel as pn

    from classification.app.server import AppServer

_HEIGHT = 780  # pixels in a notebook


class GUI:
    """Labels for a table of images.

    Args:
        table: as of `labelling.label_table.prep_label_dataframe`; not changed. What it holds counts
            until somebody decides otherwise.
        folder: what the paths are relative to; default: the current folder.
        store: where decisions are kept, a file or an SQLAlchemy address; opened again it goes on.
        annotator: who labels; default: your login name.
        embeddings: float [N, D], for orders by diversity and likeness, and for training.
        feature_maps: float [N, H, W, C], for training networks with convolutions.
        probs: float32 [N, C], scores of a model, for orders and suggestions.
        several: an image may show several classes. Default: whether the table's labels say so.
        bursts: int64 [N], to label whole bursts at once.

    Raises:
        FieldmarkError: Panel is not installed, or table and arrays do not fit together.
    """

    def __init__(
        self,
        table: "pd.DataFrame",
        *,
        folder: Path | None = None,
        store: Path | str | None = None,
        annotator: str = "",
        embeddings: NDArray[np.floating] | None = None,
        feature_maps: NDArray[np.floating] | None = None,
        probs: NDArray[np.float32] | None = None,
        several: bool | None = None,
        bursts: NDArray[np.int64] | None = None,
    ) -> None:
        require_panel()
        from classification.app.page import App
        from classification.app.pictures import Pictures

        missing = [name for name in FIXED if name not in table]
        if missing:
            raise FieldmarkError(
                f"the table lacks the columns {', '.join(missing)}; prep_label_dataframe makes one"
            )
        self._table = table
        classes = [name for name in table.columns if name not in FIXED]
        known = _known(table, classes)
        self.state = AppState(
            items=_items(table, folder, bursts),
            classes=classes,
            store=notebook_store() if store is None else store,
            known=known,
            excluded=table["exclude"].to_numpy(dtype=bool),
            validation=table["validation"].to_numpy(dtype=bool),
            embeddings=embeddings,
            feature_maps=feature_maps,
            probs=probs,
            annotator=annotator or login_name(),
            several=_several(known) if several is None else several,
        )
        self._app: App = App(state=self.state, pictures=Pictures(self.state.items))

    @property
    def table(self) -> "pd.DataFrame":
        """The label table as it is now; classes that were added are its last columns."""
        import pandas as pd

        marks = self.state.marks
        filled = self._table.assign(
            validation=self.state.validation.copy(), exclude=marks.excluded.copy()
        )
        for column, name in enumerate(self.state.classes):
            values = [None if v == UNKNOWN else int(v) for v in marks.values[:, column]]
            filled[name] = pd.Series(values, dtype=object, index=filled.index)
        return filled

    def save(self, path: Path) -> None:
        """Write the table as CSV; decisions are in the store whether it is written or not."""
        save_label_dataframe(path, self.table)

    def panel(self) -> "pn.viewable.Viewable":
        """The app to be shown in a notebook's cell."""
        import panel as pn

        page = self._app.page(images="")
        return pn.Column(page, height=_HEIGHT, sizing_mode="stretch_width")

    def serve(
        self,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        token: str = "",
        background: bool = False,
    ) -> "AppServer":
        """Serve the app; options as of ``label.py serve``.

        Args:
            address: to listen on; any but this machine's own demands a token.
            port: 0 for any that is free.
            token: "" for one made up where one is needed.
            background: return at once and serve in a thread, as from a notebook.
        """
        from classification.app.server import AppServer, run_in_background

        def make() -> AppServer:
            return AppServer(self._app, address=address, port=port, token=token)

        if background:
            return run_in_background(make)
        server = make()
        print(f"label at {server.url} (Ctrl-C ends)", flush=True)
        server.run()
        return server


def _items(table: "pd.DataFrame", folder: Path | None, bursts: NDArray[np.int64] | None) -> Items:
    names = tuple(table["path"].astype(str))
    if len(set(names)) < len(names):
        raise FieldmarkError("the table names a path twice; each image is labelled once")
    split = np.full(len(names), "", dtype="<U5")
    return Items(names=names, folder=folder, split=split, bursts=bursts)


def _known(table: "pd.DataFrame", classes: list[str]) -> NDArray[np.int8]:
    known = np.full((len(table), len(classes)), UNKNOWN, dtype=np.int8)
    for column, name in enumerate(classes):
        cells = table[name]
        rows = cells.notna().to_numpy()
        if not cells[rows].isin([0, 1]).all():
            raise FieldmarkError(f"column {name!r} holds more than None, 0 and 1")
        known[rows, column] = cells[rows].astype(int)
    return known


def _several(known: NDArray[np.int8]) -> bool:
    """Whether some row with labels is not exactly one class and the others absent."""
    labelled = known[(known != UNKNOWN).any(axis=1)]
    single = (labelled != UNKNOWN).all(axis=1) & ((labelled == 1).sum(axis=1) == 1)
    return not single.all()

"""The tabs of the app, in their order; a tab is a function of the shared state."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import panel as pn

    from classification.app.state import AppState

TABS: dict[str, str] = {
    "Model": "classification.app.model_tab:model_tab",
    "Train": "classification.app.train_tab:train_tab",
    "Propagate": "classification.app.propagate_tab:propagate_tab",
}
"""Tabs behind the Label tab: title, and ``module:function`` of ``(AppState) -> viewable``."""


def load_tabs() -> None:
    """Import what the tabs need before anybody waits for it: PyTorch takes seconds."""
    for target in TABS.values():
        import_module(target.partition(":")[0])


def make_tab(title: str, state: "AppState") -> "pn.viewable.Viewable":
    """The content of a tab."""
    module, _, function = TABS[title].partition(":")
    return getattr(import_module(module), function)(state)

"""The page: the Label tab and what `tabs` lists, light or dark."""

from dataclasses import dataclass, field
from typing import Literal

import panel as pn
import param

from classification.app.pane import LabelPane
from classification.app.pictures import Pictures
from classification.app.reservations import Seats
from classification.app.state import AppState
from classification.app.tabs import TABS, load_tabs, make_tab
from classification.app.work_folder import remove_left_over

Theme = Literal["light", "dark"]
_SURFACE = {"light": ("#ffffff", "#1d2733"), "dark": ("#161c23", "#e6ebf0")}
_BODY = """
html, body {{ height: 100%; margin: 0; background: {0}; color: {1}; font-family: system-ui; }}
"""
_TABS = """
:host {{ --design-background-color: {0}; }}
.bk-header {{ border-bottom: 1px solid color-mix(in srgb, {1} 18%, transparent) !important; }}
.bk-tab {{ padding: 5px 14px; font: 14px system-ui, sans-serif; color: {1}; opacity: 0.7; }}
.bk-tab.bk-active {{ opacity: 1; font-weight: 600; color: {1}; background: none;
  border-color: transparent; box-shadow: inset 0 -3px {2}; }}
"""


@dataclass(frozen=True, kw_only=True)
class App:
    """What all pages of one server or notebook share."""

    state: AppState
    pictures: Pictures
    seats: Seats = field(default_factory=Seats)

    def page(self, *, images: str, theme: Theme = "light") -> pn.viewable.Viewable:
        """A page for one browser.

        Args:
            images: address of the images; "" where they come as messages.
            theme: light or dark.
        """
        dark = theme == "dark"
        pane = LabelPane(
            self.state,
            self.seats,
            self.pictures,
            dark=dark,
            images=images,
            turn_here=lambda: setattr(tabs, "active", 0),
        )
        surface, text = _SURFACE[theme]
        first = "#56b4e9" if dark else "#0072b2"
        others = {title: pn.Column(sizing_mode="stretch_both", scroll=True) for title in TABS}
        tabs = pn.Tabs(
            ("Label", pane),
            *others.items(),
            sizing_mode="stretch_both",
            stylesheets=[_TABS.format(surface, text, first)],
        )

        def opened(event: param.parameterized.Event) -> None:
            """Tabs are made when they are opened first: the first image waits for none of them."""
            title = ["", *others][event.new]
            if title and not len(others[title]):
                others[title].append(make_tab(title, self.state))

        tabs.param.watch(opened, "active")
        return tabs

    def __post_init__(self) -> None:
        pn.extension()
        remove_left_over()
        load_tabs()


def raw_css(theme: Theme) -> str:
    """Of the whole page."""
    return _BODY.format(*_SURFACE[theme])

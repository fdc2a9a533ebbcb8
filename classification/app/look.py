"""Widgets of the Model, Train and Propagate tabs, in the colours of the Label tab."""

import asyncio
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import panel as pn

_CSS = (Path(__file__).parent / "browser" / "tabs.css").read_text("utf-8")
_LIGHT = (
    "--text: #1d2733; --muted: #5d6b7a; --line: #dbe1e7; --surface: #ffffff; --raised: #f4f6f8;"
    "--first: #0072b2; --second: #b84a00; --good: #00795a; --on-first: #ffffff;"
    "--arrows: none;"
)
_DARK = (
    "--text: #e6ebf0; --muted: #98a5b3; --line: #2c3641; --surface: #161c23; --raised: #1f2730;"
    "--first: #56b4e9; --second: #f0905a; --good: #2db58e; --on-first: #06121a;"
    "--arrows: invert(1);"
)
_LOOK = 400  # ms between two looks at what runs in the background


def page(*parts: Any) -> pn.Column:
    """A tab, light or dark as the page is."""
    colours = _DARK if pn.config.theme == "dark" else _LIGHT
    return pn.Column(
        *parts,
        sizing_mode="stretch_both",
        scroll="y-auto",
        margin=(6, 10),
        stylesheets=[f":host {{ {colours} color: var(--text); color-scheme: {_scheme()}; }}"],
    )


def card(title: str, *parts: Any, hint: str = "", **options: Any) -> pn.Column:
    """Parts under a title."""
    text = f"<h3>{escape(title)}</h3>" + (f'<p class="hint">{escape(hint)}</p>' if hint else "")
    sizing = {"sizing_mode": "stretch_width"} | options
    return pn.Column(
        html(text, margin=(8, 12, 4, 12)),
        *parts,
        css_classes=["card"],
        stylesheets=[_CSS],
        margin=4,
        **sizing,
    )


def html(text: str = "", **options: Any) -> pn.pane.HTML:
    """A piece of HTML; what comes from people must be escaped in it."""
    options = {"sizing_mode": "stretch_width", "margin": (4, 12)} | options
    return pn.pane.HTML(text, stylesheets=[_CSS], **options)


def widget(kind: type[pn.widgets.Widget], name: str, value: Any, **options: Any) -> Any:
    """A widget as wide as its card."""
    options = {"sizing_mode": "stretch_width", "margin": (2, 12)} | options
    return kind(label=name, value=value, stylesheets=[_CSS], **options)


def number(name: str, value: float, **options: Any) -> Any:
    """A number; any is taken, so that the answer to a wrong one can say what is allowed."""
    kind = pn.widgets.IntInput if isinstance(value, int) else pn.widgets.FloatInput
    return widget(kind, name, value, **options)


def choice(name: str, value: Any, options: Mapping[str, Any] | list[str]) -> Any:
    """One of several."""
    return widget(pn.widgets.Select, name, value, options=options)


def switch(name: str, value: bool, **options: Any) -> Any:
    """Yes or no."""
    return widget(pn.widgets.Checkbox, name, value, **options)


def button(name: str, click: Callable[[], None], *, main: bool = False, **options: Any) -> Any:
    """A button; `click` is called without arguments."""
    options = {"margin": (6, 4, 6, 12), "sizing_mode": "fixed", "height": 32} | options
    made = pn.widgets.Button(
        label=name,
        color="primary" if main else "default",
        stylesheets=[_CSS],
        **options,
    )
    made.on_click(lambda _: click())
    return made


def problem(text: str) -> str:
    """What is wrong, as HTML; empty if nothing is."""
    return f'<div class="problem" role="alert">{escape(text)}</div>' if text else ""


def good(text: str) -> str:
    """What went well, as HTML."""
    return f'<p class="good" role="status">{escape(text)}</p>'


def keep_looking(look: Callable[[], None]) -> None:
    """Call `look` several times a second as long as the page is open."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # a script puts a page together that nobody sees yet
        return
    pn.state.add_periodic_callback(look, period=_LOOK)


def _scheme() -> str:
    return "dark" if pn.config.theme == "dark" else "light"

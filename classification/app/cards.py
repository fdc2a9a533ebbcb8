"""What the browser is told: plain values only, no HTML; the browser puts names in as text."""

from typing import Any

import numpy as np

from classification.app.orders import ORDERS, ready
from classification.app.seats import Seat
from classification.app.selections import SELECTIONS
from classification.app.state import AppState

_SUGGESTED = 3


def setup(state: AppState) -> dict[str, Any]:
    """What the Label tab is drawn from."""
    usable = set(ready(state))
    there = [s for s in ("train", "val", "test") if (state.items.split == s).any()]
    selections = {k: s for k, s in SELECTIONS.items() if k != "query" or len(state.query)}
    return {
        "classes": list(state.classes),
        "several": state.several,
        "mayAdd": state.may_add_classes,
        "total": len(state),
        "splits": there if len(there) > 1 else [],
        "bursts": state.items.bursts is not None,
        "frames": state.items.frames_folder is not None,
        "round": state.round,
        "which": [
            {"key": k, "title": _title(state, k, s.title), "target": s.of_class}
            for k, s in selections.items()
            if k != "proposal" or state.proposal[0]
        ],
        "orders": [
            {
                "key": k,
                "title": o.title,
                "usable": k in usable,
                "target": "target" in o.needs,
                "anchor": "anchor" in o.needs,
            }
            for k, o in ORDERS.items()
        ],
    }


def card(state: AppState, number: int) -> dict[str, Any]:
    """One item on the screen."""
    values = state.marks.values[number]
    decision = state.marks.current(state.items.names[number])
    bursts = state.items.bursts
    return {
        "n": number,
        "name": state.items.names[number],
        "split": str(state.items.split[number]),
        "validation": bool(state.validation[number]),
        "present": np.flatnonzero(values == 1).tolist(),
        "absent": np.flatnonzero(values == 0).tolist(),
        "verdict": decision.verdict if decision else "",
        "said": _said(state, number),
        "top": _top(state, number),
        "frame": state.items.frames_folder is not None and bool(state.items.frames[number]),
        "box": state.items.box(number),
        "burst": 1 if bursts is None else int(np.count_nonzero(bursts == bursts[number])),
    }


def counts(state: AppState, seat: Seat) -> dict[str, Any]:
    """Labels per class and split, progress through the query, speed."""
    with state.lock:
        present, unlabelled = state.marks.values == 1, state.unlabelled
        open_query = int(unlabelled[state.query].sum())
        splits = {
            split: present[state.items.split == split].sum(axis=0).tolist()
            for split in ("train", "val", "test", "")
            if (state.items.split == split).any()
        }
        per_class = present.sum(axis=0).tolist()
    rate = seat.per_hour
    return {
        "classes": per_class,
        "splits": splits,
        "validation": int(state.validation.sum()),
        "labelled": len(state) - int(unlabelled.sum()),
        "query": len(state.query),
        "queryDone": len(state.query) - open_query,
        "perHour": None if rate is None else round(rate),
        "left": seat.left,
    }


def _title(state: AppState, key: str, title: str) -> str:
    if key == "query":
        return f"{title} (round {state.round})"
    return state.proposal[0] if key == "proposal" else title


def _said(state: AppState, number: int) -> list[str]:
    """Who said what, where several annotators did."""
    by = state.marks.said.get(state.items.names[number], {})
    return [f"{who}: {d.answer}" for who, d in by.items()] if len(by) > 1 else []


def _top(state: AppState, number: int) -> list[list[float]]:
    """The model's best classes, [class, score] each."""
    if state.probs is None:
        return []
    row = state.probs[number]
    best = np.argsort(-row, kind="stable")[:_SUGGESTED]
    return [[int(c), round(float(row[c]), 4)] for c in best]

"""Widgets that set fields of the recipe, in every browser alike."""

from collections.abc import Callable, Mapping
from typing import Any

from classification.app.workbench import Workbench
from classification.errors import FieldmarkError


class Form:
    """Widgets by the name of the field that each sets.

    Args:
        tab: which is named where its settings are wrong.
        bench: whose recipe is set.
        widgets: by field of the network or fixmatch configuration.
        changed: called after every change of a widget.
    """

    def __init__(
        self,
        tab: str,
        bench: Workbench,
        widgets: Mapping[str, Any],
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.widgets, self._tab, self._bench = dict(widgets), tab, bench
        self._changed, self._loading = changed, False
        self._seen = bench.recipe
        self._typed: dict[str, str] = {}
        for field, made in self.widgets.items():
            made.param.watch(lambda _, field=field: self._set(field), "value")
            if hasattr(made, "value_input"):  # letter by letter, before enter
                made.param.watch(lambda event, field=field: self._type(field, event), "value_input")

    def show(self) -> None:
        """Take over what was set in another browser; what is wrong here is left to be mended."""
        recipe = self._bench.recipe
        if recipe is self._seen or self._tab in self._bench.problems:
            return
        self._seen, self._loading = recipe, True
        self._typed.clear()
        try:
            for field, made in self.widgets.items():
                value = getattr(recipe.network, field, getattr(recipe.fixmatch, field, None))
                if made.value != value:
                    made.value = value
        finally:
            self._loading = False
        self._changed()

    def _type(self, field: str, event: Any) -> None:
        self._typed[field] = event.new
        self._set()

    def _set(self, field: str = "") -> None:
        if self._loading:
            return
        self._typed.pop(field, None)
        values = {name: made.value for name, made in self.widgets.items()} | self._typed
        try:
            blank = [made.label for made in self.widgets.values() if made.value is None]
            if blank:
                raise FieldmarkError(f"no number given: {', '.join(blank)}")
            recipe = self._bench.recipe.but(**values)
            if self._bench.inputs is not None:
                recipe.network.check(self._bench.inputs.shape[1:])
        except FieldmarkError as error:
            self._bench.settle(self._tab, str(error))
        else:
            self._bench.recipe = self._seen = recipe
            self._bench.settle(self._tab, "")
        self._changed()

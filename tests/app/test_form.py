import panel as pn
import pytest

from classification.app.form import Form
from classification.app.look import number, widget
from classification.app.workbench import workbench


@pytest.fixture
def bench(make_state):
    return workbench(make_state())


def form_of(bench):
    widgets = {
        "layers": widget(pn.widgets.TextInput, "Layers", bench.recipe.network.layers),
        "epochs": number("Epochs", bench.recipe.fixmatch.epochs),
    }
    return Form("Model", bench, widgets)


def test_a_widget_sets_its_field_and_a_wrong_one_sets_nothing(bench):
    form = form_of(bench)
    form.widgets["epochs"].value = 7
    assert bench.recipe.fixmatch.epochs == 7
    form.widgets["epochs"].value = 0
    assert bench.recipe.fixmatch.epochs == 7
    assert "epochs 0; allowed: above 0" in bench.problems["Model"]
    form.widgets["epochs"].value = None
    assert bench.problems["Model"] == "no number given: Epochs"
    form.widgets["epochs"].value = 3
    assert not bench.problems
    assert bench.recipe.fixmatch.epochs == 3


def test_layers_count_while_they_are_typed(bench):
    form = form_of(bench)
    form.widgets["layers"].value_input = "8,"
    assert "layer 2 is ''" in bench.problems["Model"]
    form.widgets["layers"].value_input = "8,d"
    form.widgets["epochs"].value = 5
    assert (bench.recipe.network.layers, bench.recipe.fixmatch.epochs) == ("8,d", 5)


def test_another_browser_is_followed_but_what_is_being_mended_stays(bench):
    here, there = form_of(bench), form_of(bench)
    here.widgets["layers"].value_input = "8"
    there.show()
    assert there.widgets["layers"].value == "8"
    there.widgets["layers"].value = "16"
    here.show()
    here.widgets["epochs"].value = 9
    assert bench.recipe.network.layers == "16"
    here.widgets["epochs"].value = -1
    bench.recipe = bench.recipe.but(layers="4")
    here.show()
    assert here.widgets["epochs"].value == -1
    here.widgets["epochs"].value = 2
    assert not bench.problems

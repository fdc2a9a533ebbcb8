"""The Model, Train and Propagate tabs in a real browser."""

import numpy as np
import pytest

from classification.app.workbench import workbench
from tests.learning.blobs import blobs

# Bokeh 3.9 warns, and goes on, when a widget of a tab that was opened later says its first word.
pytestmark = pytest.mark.filterwarnings("ignore:reference already known")

PATIENCE = 300_000  # ms; a process begins, on a busy machine

FEW = {"Epochs, at most": "2", "Samples per epoch": "96"}


@pytest.fixture
def clouds(make_state, make_items):
    """An app over clouds of points with some labels; the class names hold markup."""
    x, labels = blobs(range(3), n=60, d=6, seed=2)
    known = np.full((60, 3), -1, dtype=np.int8)
    known[:30] = np.eye(3, dtype=np.int8)[labels[:30]]
    state = make_state(60, items=make_items(60), embeddings=x, known=known, probs=None)
    state.validation[20:30] = True
    return state


@pytest.fixture
def open_tab(serve, open_page):
    """Opens the app at a tab."""

    def start(state, title, **options):
        page = open_page(serve(state), **options)
        page.set_default_timeout(PATIENCE)
        turn(page, title)
        return page

    return start


def turn(page, title):
    page.locator(".bk-tab", has_text=title).click()


def put(page, label, text):
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def click(page, name):
    page.get_by_role("button", name=name).click()


def test_two_epochs_show_their_loss_and_the_scores_of_a_class(clouds, open_tab):
    page = open_tab(clouds, "Train")
    for label, text in FEW.items():
        put(page, label, text)
    click(page, "Train")
    page.get_by_text("trained for 6 of 6 steps").wait_for()
    loss = page.get_by_label("Loss by training step")
    loss.wait_for()
    assert loss.locator(".third circle").count() == 2
    page.get_by_label("Class", exact=True).select_option("<b>owl</b>")
    histogram = page.get_by_label("Scores of <b>owl</b>")
    histogram.wait_for()
    assert "show it" in histogram.text_content()
    row = page.locator("tr.chosen td")
    assert row.first.text_content() == "<b>owl</b>"
    assert clouds.probs.shape == (60, 3)


def test_a_wrong_list_of_layers_is_explained_and_nothing_can_be_trained_with_it(clouds, open_tab):
    page = open_tab(clouds, "Model")
    layers = page.get_by_label("Layers")
    layers.press_sequentially("8,p")
    said = page.get_by_role("alert").filter(has_text="p needs feature maps", visible=True)
    said.first.wait_for()
    turn(page, "Train")
    page.get_by_role("alert").filter(has_text="Model: layers 8,p", visible=True).wait_for()
    page.locator("button:disabled", has_text="Train").wait_for()
    turn(page, "Model")
    layers.fill("8,d")
    page.get_by_text("embedding 6 → dense 8 → dropout 0.5 → 3 classes (softmax)").wait_for()
    turn(page, "Train")
    page.locator("button:enabled", has_text="Train").wait_for()
    assert workbench(clouds).recipe.network.layers == "8,d"


def test_settings_of_one_browser_are_seen_in_the_other(clouds, serve, open_page):
    url = serve(clouds)
    one, other = open_page(url), open_page(url)
    for page in (one, other):
        page.set_default_timeout(PATIENCE)
        turn(page, "Train")
    put(one, "Batch size (labelled images)", "7")
    other.wait_for_function(
        """() => {
          const found = [];
          const look = (root) => { for (const node of root.querySelectorAll("*")) {
            if (node.tagName === "INPUT") found.push(node.value);
            if (node.shadowRoot) look(node.shadowRoot);
          } };
          look(document);
          return found.includes("7");
        }"""
    )


def test_a_failure_is_told_and_labelling_goes_on(clouds, open_tab):
    clouds.marks.values[:, 1:] = -1  # one class only: nothing to tell it from
    clouds.marks.values[clouds.marks.values[:, 0] != 1] = -1
    page = open_tab(clouds, "Train")
    click(page, "Train")
    page.get_by_role("alert").filter(has_text="training items show 1 of 3 classes").wait_for()
    turn(page, "Label")
    before = len(clouds.store.history())
    page.keyboard.press("2")
    page.wait_for_function("() => performance.getEntriesByName('fieldmark-next').length > 0")
    assert len(clouds.store.history()) == before + 1


def test_labels_are_spread_reviewed_and_accepted_only_by_a_person(clouds, open_tab):
    page = open_tab(clouds, "Propagate")
    click(page, "Propagate")
    page.get_by_text("labels propagated").wait_for()
    put(page, "Certainty of at least", "0")
    assert not clouds.store.history()
    page.get_by_role("button", name="Accept 30 pseudo-labels").click()
    assert not clouds.store.history()
    click(page, "Yes, accept them")
    page.get_by_text("30 pseudo-labels accepted as decisions of ann.").wait_for()
    assert {d.source for d in clouds.store.history()} == {"propagation"}
    click(page, "Take the accepted ones back")
    page.get_by_text("30 accepted labels taken back.").wait_for()
    click(page, "Review the least sure first")
    page.get_by_text("The Label tab shows 30 images, the least sure first.").wait_for()
    turn(page, "Label")
    first = workbench(clouds).guesses.least_sure(clouds.unlabelled)[0]
    page.wait_for_selector(f".pane[data-item='{first}']")


def test_on_a_dark_page_text_stands_out(clouds, serve, open_page):
    page = open_page(serve(clouds) + "?theme=dark")
    for title in ("Model", "Train", "Propagate"):
        turn(page, title)
        heading = page.locator("h3:visible").first
        light = heading.evaluate(
            "e => getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).every(v => v > 180)"
        )
        assert light, title

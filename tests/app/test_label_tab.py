"""The Label tab in a real browser: what an annotator does and sees."""

import re

from classification.labelling.decisions import latest_by_annotator
from tests.labelling.made import decision


def shown(page):
    """Number of the first item on the screen."""
    return int(page.get_attribute(".pane", "data-item"))


def press(page, key):
    """Press a key and wait until the app is ready for the next."""
    before = page.evaluate("performance.getEntriesByName('fieldmark-next').length")
    page.keyboard.press(key)
    page.wait_for_function(
        "n => performance.getEntriesByName('fieldmark-next').length > n", arg=before
    )


def answers(state):
    current = latest_by_annotator(state.store.history())
    return {state.marks.number[item]: d.answer for (item, _), d in current.items()}


def test_a_key_labels_the_image_and_the_next_one_comes(make_state, serve, open_page):
    state = make_state(query=[7, 2, 5])
    page = open_page(serve(state))
    assert shown(page) == 7
    press(page, "2")
    assert answers(state) == {7: "fox"}
    assert shown(page) == 2
    press(page, "x")
    press(page, "Backspace")
    assert shown(page) == 2
    assert answers(state) == {7: "fox"}
    assert [d.verdict for d in state.store.history()] == ["label", "exclude", "undo"]


def test_names_are_text_and_never_markup(make_state, serve, open_page):
    page = open_page(serve(make_state(query=[0])))
    assert page.locator(".class .name").nth(2).inner_text() == "<b>owl</b>"
    assert "<i>.jpg" in page.inner_text(".path")
    assert page.locator(".pane b, .pane i").count() == 0


def test_the_box_is_drawn_on_the_whole_frame(make_state, serve, open_page):
    page = open_page(serve(make_state(query=[0])))
    box = page.wait_for_selector("svg rect.box:not(.under)")
    assert [float(box.get_attribute(k)) for k in ("x", "y", "width", "height")] == [16, 24, 48, 48]


def test_several_images_of_the_grid_at_once(make_state, serve, open_page):
    state = make_state(query=range(12))
    page = open_page(serve(state))
    press(page, "g")
    page.locator(".cell").nth(1).click()
    page.locator(".cell").nth(3).click(modifiers=["Shift"])
    page.keyboard.press("1")
    page.wait_for_selector(".cell.done >> nth=2")
    assert answers(state) == {1: "deer", 2: "deer", 3: "deer"}
    press(page, "Enter")
    assert shown(page) == 9
    assert answers(state)[0] == "(skip)"


def test_a_whole_burst_at_once(make_state, serve, open_page):
    state = make_state(query=[5, 0])
    page = open_page(serve(state))
    press(page, "b")
    assert page.locator(".cell.chosen").count() == 4
    press(page, "2")
    assert answers(state) == {4: "fox", 5: "fox", 6: "fox", 7: "fox"}
    assert shown(page) == 0


def test_a_reload_goes_on_where_it_was(make_state, serve, open_page):
    state = make_state(query=[7, 2, 5])
    page = open_page(serve(state))
    press(page, "1")
    page.reload()
    page.wait_for_selector(".pane[data-state=ready]")
    assert shown(page) == 2
    press(page, "Backspace")
    assert shown(page) == 7


def test_a_new_class_on_the_fly(make_state, serve, open_page):
    state = make_state(query=[7, 2])
    page = open_page(serve(state))
    page.keyboard.press("/")
    page.keyboard.type("lynx")
    press(page, "Enter")
    assert answers(state) == {7: "lynx"}
    assert page.locator(".class .name").last.inner_text() == "lynx"


def test_several_classes_in_one_image(make_state, serve, open_page):
    state = make_state(query=[7, 2], several=True)
    page = open_page(serve(state))
    for key in ("1", "2", "2"):
        page.keyboard.press(key)
    press(page, "Enter")
    assert state.marks.values[7].tolist() == [1, 0, -1]


def test_another_order_and_suggestions_that_can_be_hidden(make_state, serve, open_page):
    state = make_state(query=[7])
    page = open_page(serve(state))
    assert page.locator(".class.hinted").count() == 3
    page.keyboard.press("h")
    assert page.locator(".class.hinted").count() == 0
    page.get_by_label("Show", exact=True).select_option("unlabelled")
    page.wait_for_selector(".pane[data-state=ready]")
    page.get_by_label("in order", exact=True).select_option("class_high")
    page.get_by_label("of", exact=True).select_option("1")
    best = int(state.probs[:, 1].argmax())
    page.wait_for_selector(f'.pane[data-state=ready][data-item="{best}"]')


def test_counts_and_progress_follow(make_state, serve, open_page):
    page = open_page(serve(make_state(query=[7, 2, 5, 1])))
    press(page, "2")
    page.wait_for_function("t => [...document.querySelectorAll('*')].length && true", arg=None)
    line = page.locator(".progress .line").first
    line.get_by_text(re.compile("1 of 4 queries")).wait_for()
    assert page.locator(".class .count").nth(2).inner_text() == "1"


def test_an_image_that_cannot_be_read_says_why_and_can_be_excluded(make_state, serve, open_page):
    state = make_state(query=[3, 4])
    state.items.file(3).write_bytes(b"no image")
    page = open_page(serve(state))
    assert "cannot be shown" in page.inner_text(".cell .broken")
    press(page, "x")
    assert answers(state) == {3: "(exclude)"}


def test_two_browsers_never_get_the_same_item(make_state, serve, open_page):
    state = make_state(n=40)
    url = serve(state)
    pages = [open_page(url), open_page(url)]
    for _ in range(15):
        for page in pages:
            press(page, "1")
    items = [d.item for d in state.store.history()]
    assert len(items) == len(set(items)) == 30


def test_what_another_tab_sends_is_shown(make_state, serve, open_page):
    state = make_state(query=[0])
    page = open_page(serve(state))
    state.propose("least sure of propagation", [9, 4])
    page.wait_for_selector('.pane[data-state=ready][data-item="9"]')
    assert page.get_by_label("Show", exact=True).input_value() == "proposal"


def test_keys_are_explained_and_dark_is_dark(make_state, serve, open_page):
    page = open_page(serve(make_state(query=[0])), color_scheme="dark")
    page.wait_for_selector(".pane[data-state=ready]")
    page.keyboard.press("?")
    assert "undo" in page.inner_text(".dialog")
    page.keyboard.press("Escape")
    colour = page.eval_on_selector(".pane", "e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(22, 28, 35)"


def test_without_a_server_of_images_they_come_as_messages(
    make_state, serve, open_page, monkeypatch
):
    monkeypatch.setattr("classification.app.server.IMAGES", "")  # as in a notebook
    page = open_page(serve(make_state(query=[7, 2])))
    assert page.get_attribute(".cell img", "src").startswith("data:image/jpeg")
    page.wait_for_selector("svg.whole image")
    press(page, "1")
    assert shown(page) == 2


def test_two_people_who_disagree_are_shown_to_each_other(make_state, serve, open_page):
    state = make_state(query=[7])
    for annotator, name in (("ann", "fox"), ("ben", "deer")):
        state.decide([decision(state.items.names[3], name, annotator=annotator)])
    page = open_page(serve(state))
    page.get_by_label("Show", exact=True).select_option("disagreements")
    page.wait_for_selector('.pane[data-state=ready][data-item="3"]')
    assert "ann: fox · ben: deer" in page.inner_text(".title")
    page.keyboard.press("1")
    page.wait_for_selector(".pane[data-state=empty]")
    assert set(state.marks.labels[[3]]) == {0}


def test_what_the_next_round_asks_for_appears_by_itself(make_state, serve, open_page):
    state = make_state(query=[3], round=0)
    page = open_page(serve(state))
    page.keyboard.press("1")
    page.wait_for_selector(".pane[data-state=empty]")
    state.start_round(1, query=[8, 2], probs=state.probs, head=None, embeddings=state.embeddings)
    page.wait_for_selector('.pane[data-state=ready][data-item="8"]')
    assert "round 1" in page.inner_text(".progress")

from classification.labelling.flags import flag_items, flagged_items


def test_the_latest_flag_of_an_item_counts(store):
    flag_items(store, ["a", "b"], validation=True, annotator="ann")
    flag_items(store, ["b"], validation=False, annotator="ben")
    flag_items(store, [], validation=True, annotator="ben")
    assert flagged_items(store) == {"a": True, "b": False}


def test_a_store_without_flags_has_none(store):
    assert flagged_items(store) == {}

from pathlib import Path

import pandas as pd
import pytest

from classification.data.lila.taxa import animals, class_names, labels_of, matches, read_taxonomy
from classification.errors import FieldmarkError

TEXT = """dataset_name,query,scientific_name,common_name,class,order,family,genus,species
A,Rat,rattus,rats,mammalia,rodentia,muridae,rattus,
A,black rat,rattus rattus,black rat,mammalia,rodentia,muridae,rattus,rattus rattus
A,fox,vulpes vulpes,red fox,mammalia,carnivora,canidae,vulpes,vulpes
A,heron,ardeidae,herons,aves,pelecaniformes,ardeidae,,
A,empty,,,,,,,
A,human,homo sapiens,human,mammalia,primates,hominidae,homo,homo sapiens
"""


@pytest.fixture
def taxonomy(tmp_path: Path) -> pd.DataFrame:
    path = tmp_path / "taxonomy.csv"
    path.write_text(TEXT)
    return read_taxonomy(path)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("rattus", {"rat", "black rat"}),
        ("genus:rattus", {"rat", "black rat"}),
        ("species:rattus rattus", {"black rat"}),
        ("Rodentia", {"rat", "black rat"}),
        ("black rat", {"black rat"}),
        ("RAT", {"rat"}),
        ("*rat*", {"rat", "black rat"}),
        ("red fox", {"fox"}),
        ("vulpes vulpes", {"fox"}),
        ("mammalia", {"rat", "black rat", "fox", "human"}),
        ("class:aves", {"heron"}),
    ],
)
def test_species_are_found_at_any_rank_and_by_any_name(taxonomy, name, labels) -> None:
    assert set(taxonomy["query"][labels_of(taxonomy, [name])]) == labels


def test_all_unknown_names_are_reported_with_similar_ones(taxonomy) -> None:
    with pytest.raises(FieldmarkError) as error:
        labels_of(taxonomy, ["ratus", "fox", "unicorn"])
    assert "'ratus' (similar: " in str(error.value)
    assert "rattus" in str(error.value)
    assert "'unicorn'" in str(error.value)
    assert "'fox'" not in str(error.value)


def test_animals_are_what_has_a_taxon_and_is_not_people(taxonomy) -> None:
    assert set(taxonomy["query"][animals(taxonomy)]) == {"rat", "black rat", "fox", "heron"}


def test_classes_fall_back_to_the_rank_that_is_known(taxonomy) -> None:
    names = dict(zip(taxonomy["query"], class_names(taxonomy, "species"), strict=True))
    assert names["black rat"] == "rattus rattus"
    assert names["rat"] == "rattus"
    assert names["heron"] == "ardeidae"
    assert names["empty"] == "empty"
    assert set(class_names(taxonomy, "original_label")) == set(taxonomy["query"])


def test_stars_stand_for_anything_and_other_signs_for_themselves() -> None:
    values = pd.Series(["a.b", "axb", "a.b c", "", None], dtype="str")
    assert matches(values, "a.b").tolist() == [True, False, False, False, False]
    assert matches(values, "a.*").tolist() == [True, False, True, False, False]
    assert matches(values, "*").tolist() == [True, True, True, False, False]

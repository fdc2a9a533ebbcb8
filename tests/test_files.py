import pytest

from classification.errors import FieldmarkError
from classification.files import read_yaml


@pytest.mark.parametrize("text", ["fox: [vulpes, 7]\n", '{"fox": ["vulpes", 7]}'])
def test_yaml_is_read_as_any_editor_saves_it_and_json_is_yaml(tmp_path, text):
    path = tmp_path / "map.yml"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(text, encoding=encoding)
        assert read_yaml(path, what="map") == {"fox": ["vulpes", 7]}


@pytest.mark.parametrize("data", [b"fox: [vulpes", b"fox: \xff", b"fox: \x07"])
def test_a_file_that_is_no_yaml_is_named(tmp_path, data):
    path = tmp_path / "map.yml"
    path.write_bytes(data)
    with pytest.raises(FieldmarkError, match=r"map is not valid YAML: .*map\.yml"):
        read_yaml(path, what="map")


def test_a_file_that_is_not_there_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FieldmarkError, match="map not found"):
        read_yaml(tmp_path / "none.yml", what="map")
    with pytest.raises(FieldmarkError, match="map cannot be read"):
        read_yaml(tmp_path, what="map")

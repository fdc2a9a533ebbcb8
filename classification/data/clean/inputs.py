"""What step 3 is given: files or folders, their names, and the datasets in them."""

from collections import Counter
from pathlib import Path
from typing import Any

from classification.data.cct import Cct, bare_cct, load_cct
from classification.data.clean.detector import Results, cct_of_results
from classification.data.clean.gather import Input
from classification.data.folder_files import image_names
from classification.data.images import IMAGE_SUFFIXES
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from classification.files import sha256_file, sha256_lines


def input_files(options: CombineOptions) -> tuple[Path, ...]:
    """What is combined: JSON files, or else folders of images."""
    return options.cct or options.md_results or options.images_dirs


def input_names(options: CombineOptions) -> list[str]:
    """Names of the datasets: as given, or of the JSON files or, without any, the images folders."""
    if options.names:
        return list(options.names)
    files, folders = input_files(options), options.images_dirs
    names = []
    for path in folders if not options.cct and len(folders) == len(files) else files:
        if path.is_dir():
            whole = path.resolve()
            names.append(whole.parent.name if whole.name == "images" else whole.name)
            continue
        name = path.name.removesuffix(".zip").removesuffix(".json")
        names.append(name.removesuffix("_cct").removesuffix("_clean"))
    return names


def input_folders(options: CombineOptions) -> tuple[Path, ...]:
    """One images folder per input, or none."""
    several = len(input_files(options)) if len(options.images_dirs) == 1 else 1
    return options.images_dirs * several


def read_inputs(options: CombineOptions, results: list[Results]) -> list[Input]:
    """The datasets; `results` are those of ``--md-results``, which stand in where there is no JSON.

    Raises:
        FieldmarkError: a file is no dataset, or a folder holds no image.
    """
    ccts = [load_cct(path) for path in options.cct] or [cct_of_results(one) for one in results]
    ccts = ccts or [_cct_of_folder(folder) for folder in options.images_dirs]
    seen: Counter[str] = Counter()
    inputs = []
    for name, cct in zip(input_names(options), ccts, strict=True):
        seen[name] += 1
        source = name if seen[name] == 1 else f"{name}-{seen[name]}"
        inputs.append(Input(dataset=name, source=source, cct=cct))
    return inputs


def _cct_of_folder(folder: Path) -> Cct:
    names = image_names(folder)
    if not names:
        raise FieldmarkError(f"no image in {folder} or below ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return bare_cct(names)


def describe(one: Input, path: Path) -> dict[str, Any]:
    """What ``summary.json`` says of an input."""
    names = one.cct.images["file_name"]
    return {
        "name": one.source,
        "file": path.name,
        "sha256": sha256_lines(sorted(names)) if path.is_dir() else sha256_file(path),
        "images": len(one.cct.images),
        "annotations": len(one.cct.annotations),
    }

import dataclasses
import zipfile

import numpy as np
import pytest
from PIL import Image

from classification.program import save_program
from classification.tracking_store import quiet


def test_the_program_gives_the_probabilities_of_the_classifier(
    tiny_export, tiny_program, tmp_path, monkeypatch
):
    import mlflow
    import torch

    from classification.learning.crops import CropReader, Inputs, read_square
    from classification.learning.model import load_classifier

    names, rng = [f"{i}.png" for i in range(5)], np.random.default_rng(0)
    for name in names:
        shape = (*rng.integers(50, 150, 2), 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    classifier = load_classifier(tiny_export.root)
    inputs = Inputs(
        reader=CropReader(tmp_path, size=64),
        preprocessing=classifier.card.preprocessing,
        device=torch.device("cpu"),
    )
    wanted = classifier.predict(inputs, names)
    images = np.stack([read_square(tmp_path / name, 64) for name in names])
    images = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    general = mlflow.pyfunc.load_model(str(tiny_program))
    network = mlflow.pytorch.load_model(str(tiny_program))
    for n in (1, 2, 5):
        assert general.predict(images[:n]) == pytest.approx(wanted[:n], abs=1e-5)
        with torch.inference_mode():
            answers = network(torch.from_numpy(images[:n])).numpy()
        assert answers == pytest.approx(wanted[:n], abs=1e-5)
    assert (wanted[:, 2] == 0).all()  # the class that was never seen


def test_the_program_says_what_it_takes_and_gives(tiny_program):
    from mlflow.models import Model

    model = Model.load(str(tiny_program))
    assert model.signature is not None
    assert model.signature.inputs.inputs[0].shape == (-1, 3, 64, 64)
    assert model.signature.outputs.inputs[0].shape == (-1, 4)
    assert model.load_input_example(str(tiny_program)).shape == (2, 3, 64, 64)
    assert model.metadata["classes"] == ["deer", "fox", "puma", "élan"]
    assert model.metadata["preprocessing"]["image_size"] == 64


def test_nothing_in_the_program_can_run_code(tiny_program):
    import torch

    files = [path for path in tiny_program.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {"", ".json", ".yaml", ".txt", ".pt2"}
    with zipfile.ZipFile(tiny_program / "data" / "model.pt2") as archive:
        saved = [name for name in archive.namelist() if name.endswith((".pt", ".pkl", ".pth"))]
        assert saved == ["model/data/sample_inputs/model.pt"]
        with archive.open(saved[0]) as example:  # tensors only, or this would raise
            torch.load(example, weights_only=True)


@pytest.mark.parametrize("condition", [lambda x: x.sum() > 0, lambda x: len(x) == 2])
def test_a_network_that_looks_at_its_data_or_at_the_batch_size_is_refused_without_noise(
    tiny_export, tmp_path, monkeypatch, capfd, condition
):
    from torch import nn

    from classification.learning import model

    class Branches(nn.Module):
        def forward(self, x):
            pooled = x.mean(dim=(2, 3)).repeat(1, 512)[:, :512]
            return pooled if condition(x) else 2 * pooled

    whole = model.load_classifier(tiny_export.root)
    odd = dataclasses.replace(whole, backbone=Branches().eval())
    monkeypatch.setattr(model, "load_classifier", lambda _: odd)
    with quiet(), pytest.raises(Exception, match=r"data-dependent|[Gg]uard|symbolic"):
        save_program(tiny_export, tmp_path / "program")
    assert capfd.readouterr() == ("", "")

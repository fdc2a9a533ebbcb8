import socket

import pytest
import torch

from classification.errors import FieldmarkError
from classification.learning.backbones import (
    build_backbone,
    embedding_size,
    weights_hash,
    without_classifier,
    write_weights,
)

TINY = "timm/test_resnet"


@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("resnet18", 512),
        ("mobilenet_v2", 1280),
        ("squeezenet1_1", 512),
        ("efficientnet_b0", 1280),
        (TINY, 96),
        ("timm/test_vit", None),
    ],
)
def test_any_library_network_gives_one_embedding_per_image(name, dim):
    backbone = build_backbone(name, "none", seed=0)
    size = 160 if "vit" in name else 64
    found = embedding_size(backbone, size)
    assert found == dim or dim is None
    with torch.inference_mode():
        assert backbone(torch.zeros(2, 3, size, size)).shape == (2, found)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("levit_128s", 224),  # two classifiers behind batch norms, whose answers it averages
        ("deit_tiny_distilled_patch16_224", 224),  # two, each with a token of its own
        ("crossvit_9_240", 240),  # two, of two widths that it concatenates without them
        ("vit_tiny_patch16_224", 224),
        ("resnet50_clip_gap", 224),  # none: its last convolution is one of the embedding
        ("vit_small_patch14_dinov2", 518),  # none: its last layer is in the last block
    ],
)
def test_embeddings_are_what_timm_would_give_to_its_classifier(name, size):
    import timm

    with torch.device("meta"):  # shapes and layers need no arithmetic
        network = timm.create_model(name)
        whole = {key for key in network.state_dict() if "running" not in key}
        backbone = without_classifier(network)
        lost = whole - set(backbone.state_dict())
        assert embedding_size(backbone, size) == network.head_hidden_size
    record = network.default_cfg
    named = record["classifier"]
    allowed = (named,) if isinstance(named, str) else named
    assert all(key.startswith(allowed) for key in lost)
    assert bool(lost) == bool(record["num_classes"])


def test_a_distilled_network_takes_its_weights_from_a_file(tmp_path):
    import timm

    network = timm.create_model("levit_128s", num_classes=7)
    write_weights(tmp_path / "w.safetensors", network.state_dict())
    loaded = build_backbone("timm/levit_128s", str(tmp_path / "w.safetensors"), seed=0)
    network.reset_classifier(0)
    image = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        assert loaded(image).shape == (2, 384)
        assert torch.equal(loaded.stem(image), network.eval().stem(image))


def test_random_weights_follow_the_seed_and_leave_global_state_alone():
    before = torch.get_rng_state()
    first, again, other = (weights_hash(build_backbone(TINY, "none", seed=s)) for s in (0, 0, 1))
    assert first == again != other
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_weights_come_from_a_file_whatever_its_classifier(tmp_path, suffix, wrapper):
    import timm

    network = timm.create_model("test_resnet", num_classes=7)  # another number of classes
    tensors = {"module." + k if wrapper else k: v for k, v in network.state_dict().items()}
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({wrapper: tensors, "epoch": 3} if wrapper else tensors, path)
    elif wrapper:
        pytest.skip("safetensors holds no nested records")
    else:
        write_weights(path, tensors)
    loaded = build_backbone(TINY, str(path), seed=0)
    network.reset_classifier(0)
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(loaded(image), network.eval()(image), atol=1e-6)


def test_real_weights_load(real_data):
    folder = real_data / "backbones"
    for name, file in (("mobilenet_v2", "mobilenet_v2"), ("squeezenet1_0", "squeezenet1_0")):
        build_backbone(name, str(folder / f"{file}_imagenet.pth"), seed=0)


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def _corrupt(path, kind):
    if kind == "garbage":
        path.write_bytes(b"\0garbage" * 50)
    elif kind == "code":
        torch.save({"weight": Evil()}, path)
    elif kind == "no tensors":
        torch.save({"epoch": 3}, path)
    elif kind == "other network":
        write_weights(path, build_backbone("squeezenet1_1", "none", seed=0).state_dict())


@pytest.mark.parametrize(
    ("kind", "suffix", "expected"),
    [
        ("missing", ".pth", "weights not found"),
        ("garbage", ".pth", "corrupt"),
        ("garbage", ".safetensors", "corrupt"),
        ("code", ".pth", "corrupt"),
        ("no tensors", ".pth", "no state dict"),
        (
            "other network",
            ".safetensors",
            r"(?s)does not hold weights of timm/test_resnet:.*and \d+",
        ),
    ],
)
def test_a_bad_file_is_named_and_never_executed(tmp_path, capsys, kind, suffix, expected):
    path = tmp_path / f"weights{suffix}"
    _corrupt(path, kind)
    with pytest.raises(FieldmarkError, match=expected):
        build_backbone(TINY, str(path), seed=0)
    assert "executed" not in capsys.readouterr().out


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(
        FieldmarkError, match=r"unknown backbone 'resnet81'.*did you mean.*resnet18"
    ):
        build_backbone("resnet81", "none", seed=0)


def test_without_a_network_the_message_says_how_to_pass_a_file(monkeypatch, tmp_path):
    def offline(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FieldmarkError, match=r"could not be downloaded.*--backbone\.weights PATH"):
        build_backbone("resnet18", "default", seed=0)


def test_a_size_the_network_does_not_take_is_said():
    backbone = build_backbone("timm/test_vit", "none", seed=0)
    with pytest.raises(FieldmarkError, match=r"does not take images of 50 px.*made for, 160"):
        embedding_size(backbone, 50)


def test_a_network_without_one_embedding_is_refused_with_what_to_take_instead():
    with torch.device("meta"):
        several = build_backbone("timm/efficientvim_m1", "none", seed=0)
        with pytest.raises(FieldmarkError, match=r"(?s)cannot be a backbone.*ConvNeXt.*levit"):
            embedding_size(several, 224)
        with pytest.raises(FieldmarkError, match=r"gives \[1, 8, 8, 8\], not \[1, D\]"):
            embedding_size(torch.nn.Conv2d(3, 8, 1), 8)

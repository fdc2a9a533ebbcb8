"""Networks that turn an image into an embedding: torchvision and timm by name, weights by file."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.learning.cifar_resnet import ResNet20

TIMM = "timm/"
OWN: dict[str, type[nn.Module]] = {"resnet20": ResNet20}
"""Networks that neither library has; there are no weights to download."""


def build_backbone(name: str, weights: str, *, seed: int) -> nn.Module:
    """A network without its classifier, in eval mode on the CPU.

    Args:
        name: a torchvision model (``resnet18``), ``timm/<model>``, or a key of `OWN`.
        weights: ``default`` (downloaded and cached by the library), ``none`` (random, drawn with
            `seed`), or a ``.safetensors`` or ``.pth`` file with the library's key names.
        seed: of random weights.

    Returns:
        A module: float32 [B, 3, S, S] to float32 [B, D].

    Raises:
        FieldmarkError: unknown name; no network; a missing, corrupt or unfitting file.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _create(name, pretrained=weights == "default")
    if weights not in ("default", "none"):
        _load(network, Path(weights), skip=_classifiers(network), name=name)
    return without_classifier(network)


def without_classifier(network: nn.Module) -> nn.Module:
    """Any network of classes as one of embeddings: its last layer with weights is taken out.

    Of timm's distilled networks (deit, levit, efficientformer) both classifiers are, and the
    embedding is the mean of what they were given. Those that timm has without one stay whole.
    """
    for name in _classifiers(network):
        network.set_submodule(name, nn.Identity())
    return network.eval()


def embedding_size(backbone: nn.Module, image_size: int) -> int:
    """D of the embeddings for square images of `image_size` pixels.

    Raises:
        FieldmarkError: the network does not take that size, or gives no embedding.
    """
    try:
        with torch.inference_mode():
            out = backbone(torch.zeros(1, 3, image_size, image_size))
    except (RuntimeError, AssertionError) as error:
        if image_size == _made_for(backbone):
            raise FieldmarkError(_no_embedding(str(error).splitlines()[0])) from error
        raise FieldmarkError(
            f"the backbone does not take images of {image_size} px: {error}; "
            f"set backbone.image_size to the size it was made for{_in_px(_made_for(backbone))}"
        ) from error
    if not isinstance(out, Tensor) or out.ndim != 2:
        shape = list(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise FieldmarkError(_no_embedding(f"for one image it gives {shape}, not [1, D]"))
    return int(out.shape[1])


def weights_hash(module: nn.Module) -> str:
    """Hex SHA-256 over names, shapes and values of a module's parameters and buffers."""
    digest = hashlib.sha256()
    for key, tensor in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, atomically, in their plain memory layout."""
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, temporary)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a ``.safetensors`` or ``.pth`` file; nothing in it is ever executed.

    Raises:
        FieldmarkError: the file is missing, corrupt, or holds more than tensors.
    """
    if not path.is_file():
        raise FieldmarkError(f"weights not found: {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format has its own way to say that a file is broken
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FieldmarkError(
            f"weights cannot be read: {path}: {reason}. The file is corrupt or not a "
            ".safetensors/.pth file of plain tensors; fetch or train it again."
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not all(isinstance(t, Tensor) for t in loaded.values()):
        raise FieldmarkError(f"weights hold no state dict: {path}")
    return {key.removeprefix("module."): tensor for key, tensor in loaded.items()}


def _create(name: str, *, pretrained: bool) -> nn.Module:
    import torchvision

    if name in OWN:
        if pretrained:
            raise FieldmarkError(
                f"nobody publishes weights of {name}: backbone.weights none, or a file of your own"
            )
        return OWN[name]()
    try:
        if name.startswith(TIMM):
            import timm

            return timm.create_model(name.removeprefix(TIMM), pretrained=pretrained)
        return torchvision.models.get_model(name, weights="DEFAULT" if pretrained else None)
    except (ValueError, RuntimeError) as error:
        if pretrained and "nknown model" not in str(error):
            raise _no_download(name, error) from error
        raise FieldmarkError(_unknown(name)) from None
    except Exception as error:  # URLError, hub errors and time-outs share no base class
        if not pretrained:
            raise
        raise _no_download(name, error) from error


def _no_download(name: str, error: Exception) -> FieldmarkError:
    return FieldmarkError(
        f"the weights of {name} could not be downloaded ({type(error).__name__}: {error}). "
        "Without a network, give a file: --backbone.weights PATH (.safetensors or .pth with the "
        "library's key names), or train from random weights: --backbone.weights none "
        "--finetune.epochs 20"
    )


def _unknown(name: str) -> str:
    import difflib

    import timm
    import torchvision

    known = [*OWN, *torchvision.models.list_models(), *(TIMM + m for m in timm.list_models())]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"unknown backbone {name!r}{hint} Names are torchvision's, or timm's after 'timm/'."


def _made_for(backbone: nn.Module) -> int | None:
    """Side of the images that timm's record names."""
    records = (getattr(module, "default_cfg", {}) for module in backbone.modules())
    sizes = (record["input_size"] for record in records if record.get("input_size"))
    return next((int(size[-1]) for size in sizes), None)


def _in_px(size: int | None) -> str:
    return "" if size is None else f", {size}"


def _no_embedding(reason: str) -> str:
    return (
        f"this network cannot be a backbone: {reason}. Take one that ends in a classifier of one "
        "vector per image: any classification network of torchvision, and timm's ResNets, "
        "EfficientNets, ConvNeXts and vision transformers, distilled ones (deit, levit) and those "
        "without a classifier (dinov2) among them"
    )


def _classifiers(network: nn.Module) -> list[str]:
    """The layers that timm's record names, or else the last one with weights.

    That is Linear nearly everywhere, a 1x1 convolution in SqueezeNet.
    """
    layers = [n for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    named = getattr(network, "default_cfg", {}).get("classifier")
    if not named:
        return layers[-1:]
    return [name for name in layers if name in ((named,) if isinstance(named, str) else named)]


def _load(network: nn.Module, path: Path, *, skip: list[str], name: str) -> None:
    """Load all but the classifier, strictly."""
    classifier = {f"{layer}.{kind}" for layer in skip for kind in ("weight", "bias")}
    given = {k: v for k, v in read_weights(path).items() if k not in classifier}
    wanted = {k: v for k, v in network.state_dict().items() if k not in classifier}
    faults = [f"missing: {k}" for k in wanted.keys() - given.keys()]
    faults += [f"unexpected: {k}" for k in given.keys() - wanted.keys()]
    faults += [
        f"{k}: shape {list(given[k].shape)}, wanted {list(wanted[k].shape)}"
        for k in given.keys() & wanted.keys()
        if given[k].shape != wanted[k].shape
    ]
    if faults:
        shown = sorted(faults)[:5] + ([f"and {len(faults) - 5} more"] if len(faults) > 5 else [])
        raise FieldmarkError.from_problems(f"{path} does not hold weights of {name}:", shown)
    network.load_state_dict(given, strict=False)

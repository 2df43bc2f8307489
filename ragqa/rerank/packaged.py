"""The packaged reranker: the embeddings of the packaged embedder, and its own layers and head.

In: the packed file. Out: a ``CrossEncoder``, put together once, to be exported as any other.
Invariant: both files are what they claim to be, or there is an error. Everything here imports
torch.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.embed.reference import Torch, check_weights
from ragqa.embed.source import PACKAGED_SHA256, WEIGHTS_FILE, packaged_folder
from ragqa.errors import RerankerError
from ragqa.rerank.packing import read_packed

__all__ = ["assemble", "base_weights"]


def assemble(path: Path) -> Torch:
    """Put the packaged reranker together; call it inside `quiet`.

    :param path: The packed file.
    :return: A ``CrossEncoder`` with float32 weights on the CPU.
    :raises EmbedderError: If the packaged embedder is not the published one.
    :raises RerankerError: If the packed file does not go with it.
    """
    import torch
    from sentence_transformers import CrossEncoder

    packed = read_packed(path)
    weights = base_weights() | {
        name: torch.from_numpy(array) for name, array in packed.weights.items()
    }
    model = CrossEncoder(
        str(packaged_folder()),
        device="cpu",
        local_files_only=True,
        num_labels=1,
        max_length=packed.window,
        model_kwargs={"dtype": torch.float32, "attn_implementation": "eager"},
    ).eval()
    try:
        model.model.load_state_dict(weights)
    except RuntimeError as error:
        raise RerankerError(
            "the packaged reranker does not fit the packaged embedder",
            item=path,
            hint="Reinstall ragqa",
        ) from error
    return model


def base_weights() -> dict[str, Torch]:
    """Return the packaged embedder's weights, named as in a model with a head.

    :return: Tensors by name.
    :raises EmbedderError: If they are not the published ones.
    """
    from safetensors.torch import load_file

    path = packaged_folder() / WEIGHTS_FILE
    check_weights(path, PACKAGED_SHA256)
    found = load_file(path)
    return {f"bert.{name}": tensor for name, tensor in found.items() if "position_ids" not in name}

"""Loads a model onto a GPU, for the chunks of a build.

In: a `Source`. Out: what gives rows there. Everything here imports torch, when it is called.
"""

from __future__ import annotations

from ragqa.embed.cache import Entry, Progress, Recipe
from ragqa.embed.lowered import Rows
from ragqa.embed.source import Source

__all__ = ["GPU_PRECISION", "open_rows"]

GPU_PRECISION = "float16"
"""Every GPU that torch supports multiplies it at full speed, and it has three more bits than
bfloat16: of 1,881 rows of COVID-QA the farthest from float32 had a cosine of 1 - 3e-6 to it, and of
1 - 1.3e-4 in bfloat16."""


def open_rows(
    source: Source,
    entry: Entry[Recipe] | None,
    *,
    device: str,
    precision: str,
    say: Progress,
) -> Rows:
    """Load a model onto a device.

    :param source: Where it comes from.
    :param entry: Its export; None for a model that sentence-transformers itself has to run.
    :param device: torch's name of the device.
    :param precision: torch's name of the type that the model computes in.
    :param say: Told what is loaded onto what.
    :return: What gives its rows.
    :raises EmbedderError: If it cannot be loaded.
    """
    from ragqa.embed.reference import ReferenceEmbedder, load_model, quiet
    from ragqa.embed.torch_rows import BATCH_TOKENS, TorchRows

    say(f"loading {source.name} onto {_described(device)}, in {precision}")
    with quiet():
        model = load_model(source, attention=None)
    if entry is not None:
        return TorchRows(source.name, entry, model, device=device, precision=precision)
    embedder = ReferenceEmbedder(source.name, model)
    embedder.move(device, precision=precision, batch_tokens=BATCH_TOKENS)
    return embedder


def _described(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name()) if device == "cuda" else device

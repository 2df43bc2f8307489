"""A loaded model -> an ONNX graph, a tokenizer file and a recipe, compared with the original.

In: a ``SentenceTransformer`` of Transformer + Pooling [+ Normalize]. Out: a published `Entry`.
Invariants: what is published gave sentence-transformers' own vectors, within `TOLERANCE`, on every
probe; what did not is gone. Everything here imports torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from ragqa.embed.cache import (
    GRAPH_FILE,
    TOKENIZER_FILE,
    Entry,
    Progress,
    Recipe,
    RecipeT,
    publish,
    scratch,
)
from ragqa.embed.model import INPUT_NAMES, OnnxEmbedder
from ragqa.embed.pooling import Pooling
from ragqa.embed.reference import Torch, bare_tokenizer, fingerprint, prompts, window
from ragqa.errors import EmbedderError

__all__ = [
    "PROBES",
    "TOLERANCE",
    "ExportFailedError",
    "attempt",
    "export",
    "not_exportable",
    "publish_checked",
    "timed",
    "write_graph",
]

TOLERANCE = 1e-4
"""Largest difference of a unit vector's component from sentence-transformers' own.

float32 rounding gave at most 4e-7 for the packaged model; a wrong pooling, prompt or tokenizer
moves components by 1e-2 and more.
"""

PROBES = (
    "",
    "Attention",
    "How does a network restore detail from a tiny input?",
    "The model was trained on 2,650 images (DIV2K + Flickr2K); PSNR rose by 0.37 dB, p < .05.",
    "Überraschend: naïve Ansätze für α-Helices, 深度学习 und 🧪 [SEP] helfen.\n\tTabelle\u00a03",
    " ".join(f"Layer {number} maps a feature to its residual." for number in range(12)),
    " ".join(f"word{number}" for number in range(2000)),
)
"""What exports are compared on: no token, one, questions, claims, odd characters, too long."""

_POOLINGS: dict[str, Pooling] = {
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean",  # the same direction, and rows are scaled to length 1
    "cls": "cls",
    "max": "max",
}
_OUTPUT = "last_hidden_state"
_MODULE_NAMES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_PLAIN = {  # what these attributes of sentence-transformers' Transformer are by default
    "module_output_name": "token_embeddings",
    "transformer_task": "feature-extraction",
    "query_length": None,
    "document_length": None,
    "query_expansion": None,
}


class ExportFailedError(Exception):
    """torch cannot turn this model into an ONNX graph; it still runs as it is."""


@contextmanager
def timed(say: Progress, step: str) -> Iterator[Callable[[str], None]]:
    """Report a step of an export with its seconds.

    :param say: Told when the step is done.
    :param step: What it is called.
    :yield: A function that takes a remark to add to the report.
    """
    remarks: list[str] = []
    started = time.perf_counter()
    yield remarks.append
    seconds = time.perf_counter() - started
    say(f"{step}: {seconds:.1f} s" + "".join(f" ({remark})" for remark in remarks))


def not_exportable(model: Torch) -> str | None:
    """Tell why a model has to be run by sentence-transformers itself.

    :param model: A ``SentenceTransformer``.
    :return: The reason; None where the export can express the model.
    """
    names = [type(module).__name__ for module in model]
    if names not in _MODULE_NAMES:
        return f"its layers are {' + '.join(names)}"
    transformer, pooling = model[0], model[1]
    mode = getattr(pooling, "pooling_mode", None)
    if not isinstance(mode, str) or mode not in _POOLINGS:
        return f"its pooling is {mode}"
    if not pooling.include_prompt and any(prompts(model)):
        return "it leaves its prompt out of the pooling"
    if model.truncate_dim is not None or getattr(transformer, "processing_kwargs", None):
        return "it cuts its vectors, or prepares its input, in a way of its own"
    odd = [name for name, plain in _PLAIN.items() if getattr(transformer, name, plain) != plain]
    return f"it sets {', '.join(odd)}" if odd else None


def attempt(
    root: Path, key: str, export_to: Callable[[Path, Path], Entry[RecipeT]]
) -> Entry[RecipeT] | str:
    """Try to export a model; call it only inside `exclusive`.

    :param root: A cache folder that can be written.
    :param key: The model's key.
    :param export_to: Exports it: takes an empty folder, and the name its entry takes.
    :return: The published entry; where torch cannot export the model, the reason.
    """
    try:
        with scratch(root, key) as folder:
            return export_to(folder, root / "models" / key)
    except ExportFailedError as error:
        return f"torch cannot export it ({error})"


def export(model: Torch, folder: Path, target: Path, *, say: Progress) -> Entry[Recipe]:
    """Export a model, compare it with the original, and publish it.

    :param model: A ``SentenceTransformer`` for which `not_exportable` gave no reason.
    :param folder: An empty folder beside the target.
    :param target: The name the entry takes when it has passed.
    :param say: Told each step with its seconds.
    :return: The published entry.
    :raises EmbedderError: If its vectors differ from the original's.
    :raises ExportFailedError: If torch cannot export it.
    """
    draft = Entry(folder=folder, recipe=_recipe(model))

    def write() -> None:
        write_graph(model[0].auto_model, folder / GRAPH_FILE, inputs=INPUT_NAMES, output=_OUTPUT)
        bare_tokenizer(model).save(str(folder / TOKENIZER_FILE), pretty=False)

    def difference() -> float:
        return _difference(model, OnnxEmbedder("", draft))

    return publish_checked(
        draft, target, write=write, difference=difference, tolerance=TOLERANCE, say=say
    )


def publish_checked(
    draft: Entry[RecipeT],
    target: Path,
    *,
    write: Callable[[], None],
    difference: Callable[[], float],
    tolerance: float,
    say: Progress,
) -> Entry[RecipeT]:
    """Write an export, compare it with the original, and publish it.

    :param draft: The entry as it will be, in an empty folder beside the target.
    :param target: The name the entry takes when it has passed.
    :param write: Writes the files.
    :param difference: Returns the largest difference of an output from the original's.
    :param tolerance: The largest that passes.
    :param say: Told each step with its seconds.
    :return: The published entry.
    :raises EmbedderError: If it differs by more.
    """
    with timed(say, "export"):
        write()
    with timed(say, "check") as remark:
        worst = difference()
        remark(f"largest difference {worst:.1e}")
    if not worst <= tolerance:  # also where it is not a number
        raise EmbedderError(
            f"the exported model differs from the original by {worst:.1e}, more than {tolerance}",
            hint="Use another model, and please report this one",
        )
    with timed(say, "save"):
        return publish(draft.folder, draft.recipe, target=target)


def _recipe(model: Torch) -> Recipe:
    pooling = _POOLINGS[model[1].pooling_mode]
    query_prompt, chunk_prompt = prompts(model)
    return Recipe(
        fingerprint=fingerprint(model, ["onnx", pooling]),
        dim=int(model.get_embedding_dimension()),
        window=window(model),
        pooling=pooling,
        query_prompt=query_prompt,
        chunk_prompt=chunk_prompt,
    )


def write_graph(model: Torch, path: Path, *, inputs: Sequence[str], output: str) -> None:
    """Export one of a model's outputs, with batch and sequence of any length.

    The weights go into a file of their own: onnxruntime maps it into memory, which halved the
    time to open the model and took 77 MB off the process.

    :param model: A model of transformers.
    :param path: The file to write.
    :param inputs: Names of the inputs, each ``(batch, tokens)`` int64, in this order:
        ``input_ids``, ``attention_mask``, and ``token_type_ids`` where the model has them.
    :param output: The name of the output in what the model returns, and in the graph.
    :raises ExportFailedError: If torch cannot export it.
    """
    import torch

    class One(torch.nn.Module):  # type: ignore[misc]  # mypy does not follow torch
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self, input_ids: Torch, attention_mask: Torch, token_type_ids: Torch = None
        ) -> Torch:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            return self.model(input_ids=input_ids, attention_mask=attention_mask, **types)[output]

    ids = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 6, 5]])  # sizes 0 and 1 would become constants
    values = {"attention_mask": torch.ones_like(ids), "token_type_ids": (ids > 6).long()}
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        with torch.no_grad():
            program = torch.onnx.export(
                One().eval(),
                tuple(values.get(name, ids) for name in inputs),
                dynamo=True,
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=dict.fromkeys(inputs, axes),
                verbose=False,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError) as error:
        raise ExportFailedError(str(error).strip().splitlines()[0]) from error
    cast("Any", program).save(path, external_data=True)


def _difference(model: Torch, embedder: OnnxEmbedder) -> float:
    """Return the largest difference between both embedders' components on the probes."""
    probes = list(PROBES)
    counts = embedder.count_tokens(probes)
    fitting = [
        probe for probe, count in zip(probes, counts, strict=True) if count <= embedder.max_tokens
    ]
    query_prompt, chunk_prompt = prompts(model)
    options = {"normalize_embeddings": True, "show_progress_bar": False}
    pairs = [
        (
            embedder.embed_queries(probes),
            model.encode_query(probes, prompt=query_prompt, **options),
        ),
        (
            embedder.embed_chunks(fitting, [()] * len(fitting)).chunks,
            model.encode_document(fitting, prompt=chunk_prompt, **options),
        ),
    ]
    return max(float(np.max(np.abs(ours - theirs))) for ours, theirs in pairs)

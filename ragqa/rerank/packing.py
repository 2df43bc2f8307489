"""A trained cross-encoder <-> the file that is packaged: the layers that were trained, in int8.

In: a ``BertForSequenceClassification`` that shares its embeddings with the packaged embedder.
Out: a safetensors file of numpy arrays, and its weights again.
Invariants: a weight matrix costs at most half a step, its row's largest value / 127 / 2; all else
is kept to the bit; what the file leaves out is what the packaged embedder has.

::

    bert.encoder.layer.*.weight         int8 (rows, columns)
    bert.encoder.layer.*.weight.scale   float32 (rows,)
    everything else of these layers, bert.pooler.*, classifier.*   float32
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragqa.embed.base import FloatMatrix
from ragqa.embed.reference import Torch
from ragqa.embed.source import PACKAGED_SHA256
from ragqa.errors import RerankerError

__all__ = ["Packed", "dequantised", "pack", "quantised", "read_packed"]

_TRAINED = re.compile(r"bert\.encoder\.layer\.|bert\.pooler\.|classifier\.")
_MATRIX = re.compile(r"bert\.encoder\.layer\..*\.weight")
_SCALE = ".scale"
_STEPS = 127  # of int8 on each side of zero
_FORMAT = "1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packed:
    """What a packed file holds.

    :ivar weights: float32 arrays by their name in a ``BertForSequenceClassification``.
    :ivar window: The most tokens the model sees, special tokens included.
    """

    weights: dict[str, NDArray[np.float32]]
    window: int


def pack(model: Torch, path: Path, *, window: int) -> None:
    """Write what a trained model has beyond the packaged embedder.

    :param model: A ``BertForSequenceClassification`` with one label.
    :param path: The file to write.
    :param window: The most tokens the model shall see, special tokens included: those that it was
        trained with.
    :raises RerankerError: If anything else of it was trained, too.
    """
    from safetensors.numpy import save_file

    from ragqa.rerank.packaged import base_weights

    state = model.state_dict()
    base = base_weights()
    changed = [
        name
        for name, tensor in state.items()
        if not _TRAINED.match(name) and not (name in base and tensor.equal(base[name]))
    ]
    if changed:
        raise RerankerError(
            "more of this model was trained than the packaged file holds",
            item=", ".join(changed),
            hint="Freeze the embeddings while training",
        )
    arrays: dict[str, NDArray[np.int8] | NDArray[np.float32]] = {}
    for name, tensor in state.items():
        if _TRAINED.match(name):
            arrays |= _packed(name, tensor.detach().cpu().numpy().astype(np.float32))
    facts = {"format": _FORMAT, "base": PACKAGED_SHA256, "window": str(window)}
    save_file(arrays, path, metadata=facts)


def _packed(
    name: str, array: NDArray[np.float32]
) -> dict[str, NDArray[np.int8] | NDArray[np.float32]]:
    """Return an array as it stands in the file: a matrix of a layer as integers and scales."""
    if array.ndim != 2 or not _MATRIX.fullmatch(name):
        return {name: np.ascontiguousarray(array)}
    integers, scales = quantised(array)
    return {name: integers, name + _SCALE: scales}


def quantised(rows: FloatMatrix) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows as integers with a scale for each row.

    :param rows: ``(n, m)`` float32.
    :return: ``(n, m)`` int8 and ``(n,)`` float32; a row of zeros has scale 0.
    """
    scales = (np.abs(rows).max(axis=1) / _STEPS).astype(np.float32)
    steps = np.where(scales > 0, scales, 1)[:, None]
    return np.clip(np.rint(rows / steps), -_STEPS, _STEPS).astype(np.int8), scales


def dequantised(integers: NDArray[np.int8], scales: NDArray[np.float32]) -> FloatMatrix:
    """Return the rows that integers and scales stand for.

    :param integers: ``(n, m)`` int8.
    :param scales: ``(n,)`` float32.
    :return: ``(n, m)`` float32.
    """
    return integers.astype(np.float32) * scales[:, None]


def read_packed(path: Path) -> Packed:
    """Read a packed file.

    :param path: The file.
    :return: Its weights in float32.
    :raises RerankerError: If it is damaged, of another format, or goes with other weights.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
            if (facts.get("format"), facts.get("base")) != (_FORMAT, PACKAGED_SHA256):
                raise ValueError("it is of another format, or goes with other weights")
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            window = int(facts["window"])
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise RerankerError(
            "the packaged reranker cannot be read", item=path, hint=f"Reinstall ragqa ({error})"
        ) from error
    return Packed(weights=_unpacked(arrays), window=window)


def _unpacked(arrays: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.float32]]:
    weights: dict[str, NDArray[np.float32]] = {}
    for name, array in arrays.items():
        scales = arrays.get(name + _SCALE)
        if scales is not None:
            weights[name] = dequantised(array.astype(np.int8), scales.astype(np.float32))
        elif not name.endswith(_SCALE):
            weights[name] = array.astype(np.float32)
    return weights

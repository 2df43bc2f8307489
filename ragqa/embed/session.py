"""Exported files -> a tokenizer and a session of onnxruntime; running it.

In: an `Entry`'s folder. Out: what embedders and rerankers run on. Nothing leaves the machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ragqa._machine import cores
from ragqa.embed.cache import GRAPH_FILE, TOKENIZER_FILE
from ragqa.errors import EmbedderError

# onnxruntime's official builds report to their maker from the moment they are imported, keep an id
# in the user's cache for it, and offline hold up the end of the process for 30 s (measured, 1.32).
# What is asked of a closed list of papers stays here; whoever wants otherwise sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

__all__ = ["Session", "open_tokenizer"]

_MAX_THREADS = 4  # small batches feed no more; 1 to 4 gave equal bits
_SPIN_US = "200"  # idle threads stay awake this long; 1.4x faster beside others (decision 0004)
_ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


def open_tokenizer(folder: Path) -> Tokenizer:
    """Open an exported tokenizer.

    :param folder: The export's folder.
    :return: The tokenizer, which neither cuts nor pads.
    :raises EmbedderError: If it cannot be read.
    """
    path = folder / TOKENIZER_FILE
    try:
        return Tokenizer.from_buffer(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EmbedderError(
            "the exported tokenizer cannot be read",
            item=path,
            hint=f"Remove {folder} and try again; it will be exported anew",
        ) from error


class Session:
    """An exported graph, open.

    :param name: The model, as the user named it.
    :param folder: The export's folder.
    :raises EmbedderError: If onnxruntime refuses the file.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        path = folder / GRAPH_FILE
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(cores(), _MAX_THREADS)
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        options.log_severity_level = 3  # errors only: stderr belongs to ragqa's own progress
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except _ORT_ERRORS as error:
            raise EmbedderError(
                f"onnxruntime {onnxruntime.__version__} refuses the exported model",
                item=path,
                hint=f"Remove {folder} and try again; it will be exported anew ({error})",
            ) from error

    def run(self, feed: Mapping[str, NDArray[np.int64]]) -> NDArray[Any]:
        """Run a batch.

        :param feed: The graph's inputs by name, each ``(batch, tokens)`` int64.
        :return: Its first output.
        :raises EmbedderError: If the model failed.
        """
        try:
            output: NDArray[Any] = self._session.run(None, dict(feed))[0]
        except _ORT_ERRORS as error:
            count, tokens = next(iter(feed.values())).shape
            raise EmbedderError(
                f"the model failed on {count} texts of {tokens} tokens",
                item=self._name,
                hint=f"onnxruntime says: {error}",
            ) from error
        return output

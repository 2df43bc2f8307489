"""Token states of chunks in bfloat16, by OpenVINO: twice as fast on a CPU that multiplies in it.

In: token ids of chunks. Out: their token states, float32.
Invariants: no text is padded, and a text's states do not depend on the texts beside it, nor on
the number of threads; nothing leaves the machine. Queries stay with onnxruntime, so that asking
imports none of this. Why OpenVINO, and what else was tried: docs/decisions/0004-embedder.md.
"""

from __future__ import annotations

import importlib.util
import platform
import queue
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ragqa._machine import cores
from ragqa.embed.base import FloatMatrix
from ragqa.embed.cache import GRAPH_FILE
from ragqa.embed.pooling import equal_batches
from ragqa.errors import EmbedderError

__all__ = ["BFLOAT16", "BFloat16States", "has_bfloat16", "is_installed"]

BFLOAT16 = "bfloat16"
"""`Embedder.rows` of chunks that were embedded here."""

_BATCH = 4  # texts; with a thread a core 1, 2, 4, 8 gave 22.9, 24.9, 24.8, 25.7k tokens/s
_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}  # as Linux names them


def is_installed() -> bool:
    """Say whether OpenVINO is there: it comes with ``ragqa[fast]``."""
    return importlib.util.find_spec("openvino") is not None


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Say whether this CPU multiplies matrices in bfloat16.

    Elsewhere than on Linux OpenVINO is asked, which takes a third of a second to import.

    :param cpuinfo: What Linux tells of the CPU.
    :return: Whether it does; elsewhere False where OpenVINO is not installed.
    """
    if platform.system() == "Linux":
        try:
            lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return False
        flags = next((line for line in lines if line.startswith("flags")), "")
        return not _CPU_FLAGS.isdisjoint(flags.split())
    if not is_installed():
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class BFloat16States:
    """An exported graph, run in bfloat16; opened when it is first used, by one thread at a time.

    :param name: The model, as the user named it.
    :param folder: The export's folder.
    """

    rows = BFLOAT16

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._path = folder / GRAPH_FILE

    def __call__(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[int, FloatMatrix]]:
        """Run texts, several at a time.

        :param ids: Token ids of each text, special tokens included.
        :yield: A text's index and its ``(tokens, dim)`` float32 states, in no particular order; a
            text without tokens is left out.
        :raises EmbedderError: If OpenVINO cannot be opened, or the model failed.
        """
        done: queue.SimpleQueue[tuple[list[int], FloatMatrix]] = queue.SimpleQueue()
        runs = self._runs
        runs.set_callback(lambda run, batch: done.put((batch, _copied(run))))
        try:
            # The longest first, so that at the end no run works on a long batch alone.
            for batch in reversed([*equal_batches([len(text) for text in ids], size=_BATCH)]):
                if len(ids[batch[0]]):
                    tokens = np.array([ids[index] for index in batch], np.int64)
                    runs.start_async([tokens, np.ones_like(tokens)], batch)
                    yield from _finished(done)
            runs.wait_all()
            yield from _finished(done)
        except RuntimeError as error:
            del self._runs  # they go on saying so
            raise EmbedderError(
                "the model failed in bfloat16",
                item=self._name,
                hint=f"Embed in float32: --device cpu. OpenVINO says: {_first_line(error)}",
            ) from error
        finally:
            with suppress(RuntimeError):
                runs.wait_all()

    @cached_property
    def _runs(self) -> Any:  # noqa: ANN401 - OpenVINO is not typed
        """Open the graph: a run for each core, with a thread of its own."""
        try:
            import openvino

            model = openvino.Core().compile_model(
                self._path,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "bf16",
                    "INFERENCE_NUM_THREADS": cores(),
                    "NUM_STREAMS": cores(),
                },
            )
            return openvino.AsyncInferQueue(model, cores())
        except (ImportError, RuntimeError) as error:
            raise EmbedderError(
                "OpenVINO cannot open the exported model",
                item=self._path,
                hint=f"Embed in float32: --device cpu. It says: {_first_line(error)}",
            ) from error


def _copied(run: Any) -> FloatMatrix:  # noqa: ANN401
    """Copy a run's output, which the next run overwrites."""
    return np.array(run.get_output_tensor(0).data, np.float32)


def _finished(
    done: queue.SimpleQueue[tuple[list[int], FloatMatrix]],
) -> Iterator[tuple[int, FloatMatrix]]:
    while not done.empty():
        yield from zip(*done.get(), strict=True)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

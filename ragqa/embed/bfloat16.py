"""Token states of chunks in bfloat16, by OpenVINO: twice as fast on a CPU that multiplies in it.

In: token ids of chunks. Out: their token states, float32.
Invariants: how far a text is padded depends on its own length alone, so its states depend neither
on the texts beside it nor on the number of threads; nothing leaves the machine. Queries stay with
onnxruntime, so that asking imports none of this. Why OpenVINO, and what else was tried:
docs/decisions/0004-embedder.md.
"""

from __future__ import annotations

import importlib.util
import platform
import queue
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ragqa._machine import cores
from ragqa.embed.base import FloatMatrix, first_line
from ragqa.embed.cache import GRAPH_FILE
from ragqa.embed.pooling import equal_batches
from ragqa.errors import EmbedderError

__all__ = ["BFLOAT16", "BFloat16States", "has_bfloat16", "is_installed"]

BFLOAT16 = "bfloat16"
"""`Embedder.rows` of chunks that were embedded here."""

TokenMatrix: TypeAlias = NDArray[np.int64]
"""``(texts, tokens)`` int64."""

_BATCH = 4  # texts; 8 were no faster
_STEP = 16  # tokens; OpenVINO prepares each layer for each shape that comes: texts of 12 papers ran
# at 21.5k tokens/s as they were, padded to a multiple of 8, 16, 32 at 25.4, 25.8, 25.9k (0004)
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
    :param window: The most tokens that the model sees.
    """

    rows = BFLOAT16

    def __init__(self, name: str, folder: Path, *, window: int) -> None:
        self._name = name
        self._path = folder / GRAPH_FILE
        self._window = window

    def __call__(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[int, FloatMatrix]]:
        """Run texts, several at a time.

        :param ids: Token ids of each text, special tokens included.
        :yield: A text's index and its ``(tokens, dim)`` float32 states, in no particular order; a
            text without tokens is left out.
        :raises EmbedderError: If OpenVINO cannot be opened, or the model failed.
        """
        done: queue.SimpleQueue[tuple[list[int], FloatMatrix]] = queue.SimpleQueue()
        widths = [self._width(len(text)) for text in ids]
        runs = self._runs
        runs.set_callback(lambda run, batch: done.put((batch, _copied(run))))
        try:
            # The longest first, so that at the end no run works on a long batch alone.
            for batch in reversed([*equal_batches(widths, size=_BATCH)]):
                if widths[batch[0]]:
                    runs.start_async(_padded(ids, batch, widths[batch[0]]), batch)
                    yield from _finished(done, ids)
            runs.wait_all()
            yield from _finished(done, ids)
        except RuntimeError as error:
            del self._runs  # they go on saying so
            raise EmbedderError(
                "the model failed in bfloat16",
                item=self._name,
                hint=f"Embed in float32: --device cpu. OpenVINO says: {first_line(error)}",
            ) from error
        finally:
            with suppress(RuntimeError):
                runs.wait_all()

    def _width(self, tokens: int) -> int:
        """Return how many tokens a text has once it is padded."""
        return max(tokens, min(-(-tokens // _STEP) * _STEP, self._window))

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
                hint=f"Embed in float32: --device cpu. It says: {first_line(error)}",
            ) from error


def _padded(ids: Sequence[Sequence[int]], batch: Sequence[int], width: int) -> list[TokenMatrix]:
    """Return a batch's token ids and attention mask, each ``(batch, width)`` int64."""
    tokens = np.zeros((len(batch), width), np.int64)
    mask = np.zeros_like(tokens)
    for row, index in enumerate(batch):
        tokens[row, : len(ids[index])] = ids[index]
        mask[row, : len(ids[index])] = 1
    return [tokens, mask]


def _copied(run: Any) -> FloatMatrix:  # noqa: ANN401
    """Copy a run's output, which the next run overwrites."""
    return np.array(run.get_output_tensor(0).data, np.float32)


def _finished(
    done: queue.SimpleQueue[tuple[list[int], FloatMatrix]], ids: Sequence[Sequence[int]]
) -> Iterator[tuple[int, FloatMatrix]]:
    while not done.empty():
        for index, states in zip(*done.get(), strict=True):
            yield index, states[: len(ids[index])]

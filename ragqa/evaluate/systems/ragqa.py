"""The system ``ragqa``: answers by `Reader.ask` itself, in the configuration of its spec.

In: a question and the papers it may use. Out: a `Response` with hits, statements and a confidence
that is a probability. Invariant: nothing here answers; what is measured is what a user gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from ragqa.api.chat import open_model
from ragqa.api.reader import Reader
from ragqa.embed import Embedder
from ragqa.evaluate.indexing import PreparedIndex, index_hash
from ragqa.evaluate.records import Response
from ragqa.evaluate.systems.objects import hit_of, said_of, without_papers
from ragqa.evaluate.systems.spec import SystemSpec
from ragqa.index.generation import Generation, open_generation
from ragqa.rerank import Reranker, reranker_named
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE
from ragqa.retrieve.hybrid import RetrieveOptions

__all__ = ["WARM_UP", "RagqaSystem", "about_index"]

WARM_UP = "What is this about?"
"""Any question: the first one reads what all later ones find read."""


class RagqaSystem:
    """ragqa over an index that is up to date.

    :param spec: The system and its options.
    :param prepared: The index, and its embedder.
    :param on_message: Told of one-time work, such as the export of a reranker.
    :raises RerankerError: If the reranker cannot be found, loaded or exported.
    :raises ModelError: If the chat model cannot be opened.
    :raises OptionalDependencyError: If the chat model's package is not installed.
    """

    def __init__(
        self,
        spec: SystemSpec,
        prepared: PreparedIndex,
        *,
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        self.name = str(spec)
        self._of_texts = prepared.of_texts
        options = spec.options
        usual = asdict(RetrieveOptions())
        retrieval = RetrieveOptions(
            **{name: type(value)(options.get(name, value)) for name, value in usual.items()}
        )
        threshold = float(options.get("min_confidence", DEFAULT_MIN_CONFIDENCE))
        named = options.get("reranker")
        reranker = reranker_named(None if named is None else str(named), on_progress=on_message)
        model = open_model(options.get("model"), on_problem=on_message or (lambda line: None))
        generation = open_generation(prepared.directory)
        self._reader = Reader(
            generation,
            prepared.directory,
            embedder=prepared.embedder,
            min_confidence=threshold,
            retrieval=retrieval,
            reranker=reranker,
            model=model,
        )
        decisive = {**asdict(retrieval), "min_confidence": threshold}
        self._about = about_index(spec, prepared, generation, decisive)
        if reranker is not None:
            self._about["reranker"] = _model(reranker)
        if model is None:
            self._reader.ask(WARM_UP)
        else:
            self._about["model"] = {"name": model.name, "fingerprint": model.fingerprint}
            self._reader.retrieve(WARM_UP)  # nothing is paid for before a question is asked

    def close(self) -> None:
        """Close the index."""
        self._reader.close()

    def describe(self) -> Mapping[str, Any]:
        """Return the spec, versions, options with their values, embedder and index."""
        return dict(self._about)

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        """Answer as a reader would, and retrieve once more as deep as the measures look.

        :param question: The question.
        :param paper_ids: The papers to use; None for all.
        :param depth: How many chunks to retrieve for the retrieval measures.
        :return: The response, and the seconds of the answer alone.
        :raises RagqaError: The question is empty or far too long, or a paper is not in the index.
        """
        if paper_ids is not None and not paper_ids:
            return without_papers(answers=True), 0.0
        allowed = () if paper_ids is None else tuple(paper_ids)
        started = time.perf_counter()
        answer = self._reader.ask(question, paper_ids=allowed)
        seconds = time.perf_counter() - started
        chunks = self._reader.retrieve(question, k=depth, paper_ids=allowed)
        response = Response(
            hits=tuple(hit_of(c.chunk, c.score, of_texts=self._of_texts) for c in chunks),
            statements=said_of(answer, of_texts=self._of_texts),
            abstained=answer.abstained,
            confidence=answer.confidence,
        )
        return response, seconds


def about_index(
    spec: SystemSpec,
    prepared: PreparedIndex,
    generation: Generation,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what decides the output of a system over an index.

    :param spec: The system.
    :param prepared: Its index.
    :param generation: The same, open.
    :param options: The values of its options, beside those of the chunks.
    :return: JSON values, the same for the same index content wherever it lies.
    """
    return {
        "system": str(spec),
        "ragqa": version("ragqa"),
        "options": {**(options or {}), "chunks": asdict(prepared.chunking)},
        "embedder": _model(prepared.embedder),
        "index": index_hash(generation),
        "made_with": dict(generation.meta.made_with),
    }


def _model(model: Embedder | Reranker) -> dict[str, str]:
    """Return which model it is, wherever it lies."""
    return {"name": model.name, "fingerprint": model.fingerprint}

"""Whatever a user's program has -> a system: `ask`, `retrieve`, or a function.

In: an object with ``ask(question, paper_ids=...)`` that returns a `ragqa.Answer`, or
``retrieve(query, k=..., paper_ids=...)`` that returns `ScoredChunk`s, or both (a `Reader` has
both), or a function ``(question, *, paper_ids, depth)`` that returns a `Response`. Out: a
`System`. Invariant: whatever such an object raises costs the question that it was asked only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ragqa.errors import EvaluationError, RagqaError
from ragqa.evaluate.records import Hit, Quoted, Response, Said
from ragqa.records import Answer, Chunk, ScoredChunk

__all__ = ["ObjectSystem", "hit_of", "measure_object", "said_of", "without_papers"]

_Result = TypeVar("_Result")


class ObjectSystem:
    """A system made of an object of the caller's.

    :param target: The object or function; see the module.
    :param name: What reports call it.
    :param about: What decides its output, as JSON values; kept with the run.
    :raises EvaluationError: It can neither be asked nor retrieve nor be called.
    """

    def __init__(
        self, target: object, *, name: str, about: Mapping[str, Any] | None = None
    ) -> None:
        self._ask: Callable[..., Any] | None = _method(target, "ask")
        self._retrieve: Callable[..., Any] | None = _method(target, "retrieve")
        self._call = target if callable(target) and not (self._ask or self._retrieve) else None
        if not (self._ask or self._retrieve or self._call):
            raise EvaluationError(
                "this object cannot be measured",
                item=type(target).__name__,
                hint="It needs a method ask or retrieve, or to be a function",
            )
        self.name = name
        self.is_described = about is not None
        self._about = {"system": name, "object": _type_name(target), **(about or {})}

    def describe(self) -> Mapping[str, Any]:
        """Return the object's type and what the caller said about it."""
        return dict(self._about)

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        """Ask the object, then let it retrieve, as far as it can.

        :param question: The question.
        :param paper_ids: The papers to use; None for all.
        :param depth: How many chunks to retrieve.
        :return: The response, and the seconds of the answer, else of the retrieval.
        :raises EvaluationError: The object raised something else than a `RagqaError`, or returned
            something else than it should.
        """
        if self._call is not None:
            response, seconds = _timed(self._call, question, paper_ids=paper_ids, depth=depth)
            return _checked(response, Response, "the function"), seconds
        if paper_ids is not None and not paper_ids:
            return without_papers(answers=self._ask is not None), 0.0
        allowed = () if paper_ids is None else tuple(paper_ids)
        hits, answer, asking, seconds = None, None, 0.0, 0.0
        if self._ask is not None:
            found, asking = _timed(self._ask, question, paper_ids=allowed)
            answer = _checked(found, Answer, "ask")
        if self._retrieve is not None:
            found, seconds = _timed(self._retrieve, question, k=depth, paper_ids=allowed)
            hits = _hits(found)
        return _response(answer, hits), seconds if answer is None else asking


def measure_object(
    target: object, *, name: str | None = None, about: Mapping[str, Any] | None = None
) -> ObjectSystem:
    """Return a system made of an object of the caller's.

    :param target: An object with ``ask(question, paper_ids=...)`` that returns an `Answer`, or
        ``retrieve(query, k=..., paper_ids=...)`` that returns `ScoredChunk`s, or both; or a
        function ``(question, *, paper_ids, depth)`` that returns a `Response`.
    :param name: What reports call it; its type's name if None.
    :param about: What decides its output, as JSON values: versions, options, a hash of its index.
        Without it nothing of an earlier run is taken over, as that may have been another object's.
    :return: The system.
    :raises EvaluationError: It can neither be asked nor retrieve nor be called.
    """
    return ObjectSystem(target, name=name or _type_name(target), about=about)


def hit_of(chunk: Chunk, score: float, *, of_texts: bool = False) -> Hit:
    """Return a retrieved chunk as a hit.

    :param chunk: The chunk.
    :param score: Its score.
    :param of_texts: Whether papers have one text each, which then has no kind.
    :return: The hit.
    """
    return Hit(
        paper_id=chunk.paper_id,
        score=score,
        start=chunk.start,
        end=chunk.end,
        document=None if of_texts else chunk.document,
        text=chunk.text,
    )


def said_of(answer: Answer, *, of_texts: bool = False) -> tuple[Said, ...]:
    """Return the statements of an answer with their citations.

    :param answer: The answer.
    :param of_texts: Whether papers have one text each, which then has no kind.
    :return: Its statements, in the order shown.
    """
    return tuple(
        Said(
            text=statement.text,
            citations=tuple(
                Quoted(
                    paper_id=c.paper_id,
                    quote=c.quote,
                    start=c.start,
                    end=c.end,
                    document=None if of_texts else c.document,
                    locators=c.locators,
                )
                for c in statement.citations
            ),
        )
        for statement in answer.statements
    )


def without_papers(*, answers: bool) -> Response:
    """Return what a system says where it may use no paper at all.

    :param answers: Whether it answers, or only retrieves.
    :return: No hits; an abstention where it answers.
    """
    return Response(
        hits=(),
        statements=() if answers else None,
        abstained=True if answers else None,
        confidence=0.0,
    )


def _response(answer: Answer | None, hits: tuple[Hit, ...] | None) -> Response:
    if answer is None:
        return Response(hits=hits, confidence=hits[0].score if hits else None)
    return Response(
        hits=hits,
        statements=said_of(answer),
        abstained=answer.abstained,
        confidence=answer.confidence,
    )


def _hits(found: object) -> tuple[Hit, ...]:
    if not isinstance(found, Iterable):
        raise _unexpected("retrieve", found, ScoredChunk)
    scored = [_checked(item, ScoredChunk, "retrieve") for item in found]
    return tuple(hit_of(item.chunk, item.score) for item in scored)


def _method(target: object, name: str) -> Callable[..., Any] | None:
    found = getattr(target, name, None)
    return found if callable(found) else None


def _type_name(target: object) -> str:
    kind = target if hasattr(target, "__qualname__") else type(target)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', '')}"


def _timed(call: Callable[..., Any], question: str, **options: object) -> tuple[Any, float]:
    """Call, and return what it gave and the seconds it took."""
    started = time.perf_counter()
    try:
        result = call(question, **options)
    except RagqaError:
        raise
    except Exception as error:  # whatever a caller's object raises costs one question
        raise EvaluationError(
            f"the system under test failed ({type(error).__name__})", item=error
        ) from error
    return result, time.perf_counter() - started


def _checked(value: object, kind: type[_Result], what: str) -> _Result:
    if not isinstance(value, kind):
        raise _unexpected(what, value, kind)
    return value


def _unexpected(what: str, value: object, kind: type) -> EvaluationError:
    return EvaluationError(
        f"{what} returned {type(value).__name__} where {kind.__name__} is expected"
    )

"""Asking a chat model for verdicts on a run's answers.

In: a dataset, a run's rows, a LangChain chat model or its name. Out: a `Verdict` for each row
that can be judged. Invariants: LangChain is imported only to open a model by name; a failed call
is a verdict; a model that refuses every call stops the run with what to do; no error's text is
kept or shown, as it may hold a key.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from ragqa.errors import EvaluationError
from ragqa.evaluate.judge.prompt import PROMPT_VERSION, Case, judgeable, read_mark
from ragqa.evaluate.judge.verdicts import Mark, Verdict, VerdictFile
from ragqa.evaluate.records import Dataset, Row

__all__ = ["ATTEMPTS", "Model", "judge_rows", "open_model"]

Model: TypeAlias = Any
"""A LangChain chat model, which cannot be named without importing it."""

ATTEMPTS = 3
"""Calls for one answer at most."""

_PAUSE = 1.0  # seconds before the second call; each further pause is twice as long
_PACKAGE = re.compile(r"pip install ([A-Za-z0-9_.-]+)")
_REFUSED = frozenset({401, 403, 404})  # HTTP: bad key, not allowed, no such model


def open_model(name: str) -> Model:
    """Open a chat model by name; its key comes from the environment.

    :param name: ``PROVIDER:NAME``, such as ``ollama:qwen3``.
    :return: The model, asked to be as deterministic as it can.
    :raises EvaluationError: There is no such provider, its package cannot be imported, or it
        refuses to open, mostly for want of a key.
    """
    from langchain.chat_models import init_chat_model

    if ":" not in name:
        raise EvaluationError(
            "a judge is named by provider and model", item=name, hint="Write ollama:qwen3, say"
        )
    try:
        return init_chat_model(name, temperature=0)
    except ImportError as error:
        raise EvaluationError(
            "the package of this model's provider is missing, or does not fit this LangChain",
            item=name,
            hint=_install_hint(str(error)),
        ) from error
    except Exception as error:  # each provider has its own errors; their text may hold a key
        raise EvaluationError(
            f"the judge's model cannot be opened ({type(error).__name__})",
            item=name,
            hint="Check provider and name, and that its key is in the environment",
        ) from error


def judge_rows(
    dataset: Dataset,
    rows: Iterable[Row],
    model: Model | str,
    *,
    file: Path | None = None,
    attempts: int = ATTEMPTS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Verdict, ...]:
    """Let a language model judge a run's answers.

    :param dataset: The dataset that the run is of.
    :param rows: The run's rows.
    :param model: A LangChain chat model, or ``PROVIDER:NAME``.
    :param file: A ``verdicts.jsonl`` that verdicts are added to as they come. Those that are there
        for the same model, prompt and answer are taken over; failed ones are tried again.
    :param attempts: How often the model is called for one answer until it replies.
    :param on_progress: Told how many rows are judged, and of how many.
    :return: A verdict for each row that can be judged, in row order.
    :raises EvaluationError: The model cannot be opened or refuses every call, or the file cannot
        be used.
    """
    chat = open_model(model) if isinstance(model, str) else model
    name = model if isinstance(model, str) else _name_of(model)
    judge = _Judge(chat, name, attempts)
    cases = list(judgeable(dataset, rows))
    verdicts = []
    with VerdictFile(file) as shelf:
        for done, (question, row) in enumerate(cases, 1):
            case = Case(question, row)
            verdict = shelf.get(judge.verdict(case, "failed")) or judge.judge(case)
            shelf.add(verdict)
            verdicts.append(verdict)
            on_progress(done, len(cases))
    return tuple(verdicts)


class _Judge:
    """Asks a model for verdicts.

    :param chat: The model.
    :param name: Its name.
    :param attempts: Calls for one answer at most.
    """

    def __init__(self, chat: Model, name: str, attempts: int) -> None:
        self._chat = chat
        self._name = name
        self._attempts = max(1, attempts)

    def judge(self, case: Case) -> Verdict:
        """Return the verdict on one answer."""
        if case.settled is not None:
            return self.verdict(case, case.settled)
        try:
            message = self._ask(case.messages())
        except _CallError as error:
            return self.verdict(case, "failed", error=str(error))
        reply = message if isinstance(message, str) else str(message.text)
        usage = getattr(message, "usage_metadata", None) or {}
        return self.verdict(
            case,
            read_mark(reply),
            reply=reply,
            prompt_tokens=int(usage.get("input_tokens", 0)),
            completion_tokens=int(usage.get("output_tokens", 0)),
        )

    def verdict(self, case: Case, mark: Mark, **given: Any) -> Verdict:  # noqa: ANN401 - its fields
        """Return a verdict on one answer, with what is the same for all of this judge."""
        return Verdict(
            question_id=case.row.question_id,
            view=case.row.view,
            mark=mark,
            model=self._name,
            prompt_version=PROMPT_VERSION,
            sha256=case.sha256,
            **given,
        )

    def _ask(self, messages: list[tuple[str, str]]) -> Any:  # noqa: ANN401 - LangChain's message
        """Call the model until it replies."""
        for attempt in range(1, self._attempts):
            try:
                return self._call(messages)
            except _CallError:
                time.sleep(_PAUSE * 2 ** (attempt - 1))
        return self._call(messages)

    def _call(self, messages: list[tuple[str, str]]) -> Any:  # noqa: ANN401 - LangChain's message
        try:
            return self._chat.invoke(messages)
        except MemoryError:
            raise
        except Exception as error:  # each provider has its own errors
            status = getattr(error, "status_code", None)
            what = type(error).__name__ + (f" {status}" if isinstance(status, int) else "")
            if status in _REFUSED:
                raise EvaluationError(
                    f"the judge's model refuses every call ({what})",
                    item=self._name,
                    hint="Check the model's name, and that its key is in the environment",
                ) from error
            raise _CallError(what) from error


class _CallError(Exception):
    """One call of the model failed."""


def _name_of(chat: Model) -> str:
    """Return a model object's name: its class and, where it says so, the model's own."""
    while hasattr(chat, "bound"):  # a model with bound options
        chat = chat.bound
    names = (getattr(chat, attribute, None) for attribute in ("model_name", "model", "model_id"))
    own = next((name for name in names if isinstance(name, str) and name), None)
    return f"{type(chat).__name__}:{own}" if own else type(chat).__name__


def _install_hint(text: str) -> str:
    """Return how to install a provider's package, which LangChain's error names."""
    found = _PACKAGE.search(text)
    return f"Run: pip install --upgrade {found[1]}" if found else "Install the provider's package"

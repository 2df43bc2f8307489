"""A follow-up question -> the same question so that it stands alone.

In: the question, the conversation so far, a chat model. Out: the question restated, or None: then
it is asked as it stands. Invariant: names, numbers and links of a restated question all stand in
the conversation, so that no model can ask for something of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragqa.errors import ModelError
from ragqa.generate import prompt
from ragqa.generate.reading import read_question
from ragqa.verify.links import any_unlisted_link

if TYPE_CHECKING:
    from ragqa.generate.chat import ChatModel

__all__ = ["restate"]

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_STEM = 5  # letters by which forms of a name are one: Whale, whales


def restate(question: str, history: Sequence[tuple[str, str]], model: ChatModel) -> str | None:
    """Have a follow-up question put so that it stands alone.

    :param question: The follow-up.
    :param history: Earlier questions and what was answered, oldest first.
    :param model: The chat model.
    :return: The question restated; None where it stands as it is: nothing was said before it, the
        model fails, or it puts in what was never said.
    """
    if not history:
        return None
    try:
        reply = model.complete(prompt.restate(question, history))
    except ModelError:
        return None
    said = read_question(reply.text)
    if said is None or said.split() == question.split() or any_unlisted_link(said, ()):
        return None
    known = (question, *(text for turn in history for text in turn))
    return said if _is_of(said, known) and model.hide(said) == said else None


def _is_of(question: str, texts: Sequence[str]) -> bool:
    """Say whether each name and number of a question stands in other texts."""
    known = {_root(word) for text in texts for word in _WORD.findall(text)}
    return all(
        _root(word) in known
        for place, word in enumerate(_WORD.findall(question))
        if _is_name(word, begins=place == 0)
    )


def _root(word: str) -> str:
    return word if any(c.isdigit() for c in word) else word.casefold()[:_STEM]


def _is_name(word: str, *, begins: bool) -> bool:
    """Tell names and numbers from the other words of a question."""
    if any(c.isdigit() for c in word):
        return True
    return any(c.isupper() for c in (word[1:] if begins else word))

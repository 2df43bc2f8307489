"""Near copies, word by word: a ``not``, a ``may`` or a ``some`` that was put in or left out.

In: a statement and its premise. Out: a failure, or None. Only what changes inside a copied run is
looked at, and only where no content word changes with it: leaving out ``but not in B`` is no \
change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from ragqa.verify.drops import Failure
from ragqa.verify.polarity import is_turned_round
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.direction import marks
from ragqa.wording.negation import Negation, negations, speaks_of_loss

__all__ = ["check_copies"]

_MAX_WORDS = 160  # compared; matching takes quadratic time
_COPIED = 0.75  # share of the statement's words that stand in one sentence in order
_LONGEST_EDIT = 4  # words: what is longer is no edit of a word
_SOFT = re.compile(
    r"\b(?:may|might|could|possibly|perhaps|probably|likely|potentially|presumably|appears?|seems?"
    r"|suggests?)\b",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\b(?:some|most|many|several|often|usually|sometimes|generally|typically|nearly|almost|partly"
    r"|partially|frequently|mostly|largely|certain|few|occasionally|rarely|majority|mainly)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:all|every|always|each|any|entirely|completely|none|never|fully)\b", re.IGNORECASE
)
_KEPT = re.compile(
    r"\b(?:may|might|could|can|would|possib\w+|perhaps|probab\w+|likely|potential\w*|presum\w+"
    r"|appear\w*|seem\w*|suggest\w*|indicat\w*|thought|believed|expected|considered|propos\w+"
    r"|hypothes\w+|capable|able|tends?|authors?)\b",
    re.IGNORECASE,
)


def check_copies(said: Reading, premise: Premise) -> Failure | None:
    """Check the small edits of copied sentences.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    if is_turned_round(said, premise):
        return None
    for sentence in premise.context.sentences:
        for new, old, run in _edits(said, sentence):
            failure = _judge(new, old, said, run)
            if failure is not None:
                return failure
    return None


def _edits(said: Reading, sentence: Reading) -> list[tuple[str, str, str]]:
    """Return the small edits inside a copied run: the new words, the old ones, the whole run."""
    mine, theirs = said.words[:_MAX_WORDS], sentence.words[: 2 * _MAX_WORDS]
    matcher = SequenceMatcher(
        None, [word.stem for word in mine], [word.stem for word in theirs], autojunk=False
    )
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if sum(block.size for block in blocks) < _COPIED * max(len(mine), 1):
        return []
    run = sentence.text[theirs[blocks[0].b].start : theirs[blocks[-1].b + blocks[-1].size - 1].end]
    edits = []
    for tag, low, high, start, end in matcher.get_opcodes():
        new, old = mine[low:high], theirs[start:end]
        outside = end <= blocks[0].b or start >= blocks[-1].b + blocks[-1].size
        if tag == "equal" or (outside and not new) or max(len(new), len(old)) > _LONGEST_EDIT:
            continue
        if sum(word.content and not word.light for word in old) <= 1:
            edits.append((_join(word.text for word in new), _join(word.text for word in old), run))
    return edits


def _join(words: Iterable[str]) -> str:
    return " ".join(words)


def _judge(new: str, old: str, said: Reading, run: str) -> Failure | None:
    balance = _count(said.negations) - _count(negations(run))
    if balance < 0 and negations(old) and not negations(new):
        return Failure("lost-negation", "a negation of the quotes is left out")
    if balance > 0 and negations(new) and not (negations(old) or speaks_of_loss(old)):
        return Failure("added-negation", "the quotes say it without the negation")
    if _SOFT.search(old) and not _KEPT.search(new) and not _moved(_KEPT, said.text, run):
        return Failure("overclaim", "a reservation of the quotes is left out")
    if balance == 0 and _is_opposite(new, old):
        return Failure("other-direction", f"the quotes say {old}, not {new}")
    if _WHOLE.search(new) and not _WHOLE.search(old) and _PART.search(old):
        return Failure("overclaim", "the quotes do not say it of all")
    return None


def _is_opposite(new: str, old: str) -> bool:
    said = {(mark.axis, mark.sign) for mark in marks(new)}
    quoted = {(mark.axis, mark.sign) for mark in marks(old)}
    return any((axis, -sign) in quoted for axis, sign in said) and not said & quoted


def _count(found: Iterable[Negation]) -> int:
    """Count negations of something: "would not, and could not, help" has one."""
    return sum(bool(each.scope) for each in found)


def _moved(kept: re.Pattern[str], said: str, run: str) -> bool:
    """Say whether a word that was left out in one place stands in another."""
    return len(kept.findall(said)) >= len(kept.findall(run))

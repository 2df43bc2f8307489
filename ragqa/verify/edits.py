"""Near copies: a sentence of the quotes in which words were exchanged or one thing replaced.

In: a statement and its premise. Out: a failure, or None. Only a statement whose words stand almost
as in a sentence of its quotes is looked at; a paraphrase in another order is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from ragqa.verify.drops import Failure
from ragqa.verify.polarity import is_turned_round
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.direction import is_direction
from ragqa.wording.words import Token, is_covered, is_light, is_same_word, rank

__all__ = ["check_exchanges", "check_replacements"]

_MAX_WORDS = 80  # content words compared; matching takes quadratic time
_MAX_MOVED = 4  # words in other places, for an exchange
_MIN_KEPT = 0.4  # share of the words in their places, for an exchange
_COPY = 0.85  # share of all words in order, for an exchange
_MIN_COPIED = 0.6  # share of the words in order, for a replacement
_LINKS = frozenset({"", "and", "or", "and/or", "/", "-", "with", "plus", "nor", "&", "as well as"})
_MUTUAL = re.compile(
    r"\b(?:between|differ(?:s|ed)?|similar\w*|correlat\w*|associat\w*|both|relat\w*|interact\w*"
    r"|equal\w*"
    r"|combin\w*|together|respectively|distinguish\w*|distance|neither|either|together)\b",
    re.IGNORECASE,
)
_MOSTLY_COPIED = 0.75  # share of the words in order, where one word stands for several
_FREQUENT = 4000  # of some 22,000 words by frequency: what may stand for several words at once
_LONGEST_OLD = 8  # content words that one word may stand in the place of
_NO_THING = re.compile(
    r"(?:ed|ing|ly|ive|ous|al|ful|able|ible|ize|ise|ify|ic|ary|ish|less|ern|est|ent|ant)$"
)


def check_exchanges(said: Reading, premise: Premise) -> Failure | None:
    """Check that the same words are not in each other's places.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    if is_turned_round(said, premise):
        return None
    mine = [word for word in said.words if word.content][:_MAX_WORDS]
    for sentence in premise.context.sentences:
        theirs = [word for word in sentence.words if word.content]
        moved = _moved(mine, theirs, said.text, sentence.text)
        if not moved or (len(moved) == 2 and _MUTUAL.search(said.text)):
            continue
        if _is_copy(said.words, sentence.words, frozenset(moved)):
            return Failure(
                "swapped-sides", f"{' and '.join(moved[:2])} have exchanged places in the quotes"
            )
    return None


def _moved(mine: Sequence[Token], theirs: Sequence[Token], said: str, quoted: str) -> list[str]:
    """Return the words that stand in each other's places; empty where the order is another."""
    known = Counter(word.stem for word in mine) & Counter(word.stem for word in theirs)
    first, second = _kept(mine, known), _kept(theirs, known)
    if len(first) < 4:
        return []
    places = [n for n, (a, b) in enumerate(zip(first, second, strict=True)) if a.stem != b.stem]
    if not 2 <= len(places) <= _MAX_MOVED or len(places) > (1 - _MIN_KEPT) * len(first):
        return []
    low, high = places[0], places[-1]
    if high - low == len(places) - 1:  # neighbours: "A and B" may be "B and A"
        between = said[first[low].end : first[high].start].strip(" ,")
        other = quoted[second[low].end : second[high].start].strip(" ,")
        if between != other or between in _LINKS:
            return []
    return [first[at].stem for at in places]


def _is_copy(mine: Sequence[Token], theirs: Sequence[Token], moved: frozenset[str]) -> bool:
    """Say whether a sentence is the other's, stop words and all, but for the words that moved."""
    first = ["" if word.stem in moved else word.stem for word in mine][: 2 * _MAX_WORDS]
    second = ["" if word.stem in moved else word.stem for word in theirs][: 4 * _MAX_WORDS]
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= _COPY * len(first)


def _kept(words: Sequence[Token], known: Counter[str]) -> list[Token]:
    left = Counter(known)
    found = []
    for word in words:
        if left[word.stem] > 0:
            left[word.stem] -= 1
            found.append(word)
    return found


def check_replacements(said: Reading, premise: Premise) -> Failure | None:
    """Check that no thing of a copied sentence is replaced by one that the quotes do not have.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    mine = _things(said)[:_MAX_WORDS]
    known = premise.quotes.stems | premise.titles.stems
    if all(is_covered(word.stem, known) for word in mine):
        return None
    for sentence in premise.context.sentences:
        theirs = _things(sentence)[: 2 * _MAX_WORDS]
        for new, old in _replaced(mine, theirs):
            if not is_covered(new.stem, known) and old.stem not in said.stems:
                return Failure("other-name", f"the quotes speak of {old.text}, not of {new.text}")
    return None


def _things(reading: Reading) -> list[Token]:
    """Return the content words but for numbers and their units."""
    counted = {at for number in reading.numbers for at in range(number.start, number.end)}
    return [word for word in reading.words if word.content and word.start not in counted]


def _replaced(mine: Sequence[Token], theirs: Sequence[Token]) -> list[tuple[Token, Token]]:
    matcher = SequenceMatcher(
        None, [word.stem for word in mine], [word.stem for word in theirs], autojunk=False
    )
    blocks = matcher.get_opcodes()
    equal = sum(high - low for tag, low, high, _, _ in blocks if tag == "equal")
    if equal < _MIN_COPIED * len(mine):
        return []
    longest = _LONGEST_OLD if equal >= _MOSTLY_COPIED * len(mine) else 1
    return [
        (new, old)
        for tag, low, high, start, end in blocks
        if tag == "replace" and high - low <= min(longest, 2) and end - start <= longest
        for new in mine[low:high]
        if _is_thing(new) and (high - low == end - start == 1 or rank(new.text) > _FREQUENT)
        for old in [next((word for word in theirs[start:end] if _is_thing(word)), None)]
        if old is not None and not is_same_word(new.stem, old.stem)
    ]


def _is_thing(word: Token) -> bool:
    if is_light(word.stem) or is_direction(word.stem):
        return False
    return not (_NO_THING.search(word.text) or word.text[0].isdigit())

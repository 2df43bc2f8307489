"""What a written statement rests on, read once for all rules.

In: located quotes with their chunks, documents and papers. Out: a `Premise` and, for any text, a
`Reading`: its words, numbers, names, negations and directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ragqa.records import Chunk, Citation
from ragqa.verify.quoting import readable
from ragqa.wording.acts import Act, acts
from ragqa.wording.direction import Comparison, Mark, comparisons, marks
from ragqa.wording.names import Name, abbreviations, joined_forms, names
from ragqa.wording.negation import Negation, negations
from ragqa.wording.quantities import Quantity, quantities
from ragqa.wording.words import Token, sentences, tokens

__all__ = ["Premise", "Reading", "around"]


class Reading:
    """A text with what the rules look at, each read when it is first asked for.

    :param text: Plain text.

    :ivar text: The same.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[Token]:
        """Return its words."""
        return tokens(self.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Return the stems of its words, stop words included."""
        return frozenset(word.stem for word in self.words)

    @cached_property
    def content(self) -> frozenset[str]:
        """Return the stems of its content words."""
        return frozenset(word.stem for word in self.words if word.content)

    @cached_property
    def numbers(self) -> list[Quantity]:
        """Return its quantities."""
        return quantities(self.text)

    @cached_property
    def names(self) -> list[Name]:
        """Return its names."""
        return names(self.text, self.numbers)

    @cached_property
    def forms(self) -> frozenset[str]:
        """Return the forms under which it may hold a name."""
        return joined_forms(self.text)

    @cached_property
    def negations(self) -> list[Negation]:
        """Return its negations."""
        return negations(self.text, self.words)

    @cached_property
    def marks(self) -> list[Mark]:
        """Return its direction marks."""
        return marks(self.text, self.words, self.negations)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Return its comparisons."""
        return comparisons(self.text, self.words)

    @cached_property
    def acts(self) -> list[Act]:
        """Return its acts."""
        return acts(self.text, self.words)

    @cached_property
    def sentences(self) -> list[Reading]:
        """Return its sentences, each read by itself."""
        return [Reading(self.text[start:end]) for start, end in sentences(self.text)]


@dataclass(frozen=True, kw_only=True)
class Premise:
    """What a statement's quotes say.

    :ivar quotes: The quotes' words; only these count for numbers, names and content.
    :ivar context: The whole sentences that the quotes stand in: a quote that leaves out its
        sentence's ``not`` says the opposite of it.
    :ivar titles: The papers' titles and the chunks' section titles, where a subject may be named.
    :ivar definitions: Reads the abbreviations that the documents define.
    """

    quotes: Reading
    context: Reading
    titles: Reading
    definitions: Callable[[], dict[str, frozenset[str]]]

    @classmethod
    def of(
        cls,
        cited: Sequence[tuple[Citation, Chunk]],
        *,
        titles: Sequence[str],
        texts: Sequence[str],
    ) -> Premise:
        """Read located quotes.

        :param cited: Citations with the chunks they stand in.
        :param titles: Titles of papers and sections.
        :param texts: The documents' texts, read for abbreviations where a name is missing.
        :return: The premise.
        """
        return cls(
            quotes=Reading("\n".join(readable(citation.quote) for citation, _ in cited)),
            context=Reading("\n".join(dict.fromkeys(readable(around(*each)) for each in cited))),
            titles=Reading(readable("\n".join(titles))),
            definitions=lambda: abbreviations("\n".join(texts)),
        )


def around(citation: Citation, chunk: Chunk) -> str:
    """Return the whole sentences that a quote stands in.

    :param citation: The located quote.
    :param chunk: Its chunk.
    :return: A span of the chunk's text.
    """
    start, end = citation.start - chunk.start, citation.end - chunk.start
    touched = [s for s in sentences(chunk.text) if s[0] < end and start < s[1]]
    if not touched:
        return citation.quote
    return chunk.text[min(start, touched[0][0]) : max(end, touched[-1][1])]

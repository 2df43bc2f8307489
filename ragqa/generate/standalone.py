"""What a reader understands alone: which sentences say something, and where a quote must start.

In: a chunk and one of its sentences. Out: whether it may stand in an answer, and an offset: the
sentence's own start, or that of the sentence that it points back to, or of the one before that
where this one points back, too. Words that only join ("Moreover", "In addition") and those that
mean the paper itself ("This study", "It is known that") point at nothing that a reader would miss.
"""

from __future__ import annotations

import re

from ragqa.records import Chunk

__all__ = ["is_understood", "points_back", "quote_start", "says_something"]

_SHOWS = (
    r"(?:shows?|lists?|presents?|illustrates?|summari[sz]es?|depicts?|reports?|gives?|provides?"
    r"|describes?|displays?|compares?|contains?|plots?)"
)
_FIGURE = r"(?:tables?|figures?|fig\.?|algorithm|appendix)"
_NUMBER = r"(?:[a-z]?\d|[ivx]+\b|(?-i:[A-Z])\b)\S*"  # 2, S1, III, B; not "the algorithm then"
_IS_SHOWN = (  # not "was reduced in supplemented mice"
    r"(?:(?:is|are|was|were|can be) (?:shown|listed|presented|illustrated|summari[sz]ed|depicted"
    r"|reported|given|provided|described|displayed|compared|plotted|detailed|outlined|indicated"
    r"|demonstrated|available|included)|can be found)"
)
_SAYS_NOTHING = re.compile(
    rf"[?\uff1f\u061f][\"'\u201d\u2019)]*$"  # a question
    rf"|^(?:the )?{_FIGURE} {_NUMBER} (?:\(\w+\) )?(?:\w+ly |also )?{_SHOWS} (?!that\b)\D*$"
    rf"|^in (?:this|the (?:next|following)) (?:sub)?section,? we\b\D*$"
    rf"|^\D*\b{_IS_SHOWN} in (?:the )?(?:supplement\w*|{_FIGURE})[^.]{{0,12}}\.$"
    r"|^(?:definitions? of )?abbreviations?\b.{0,20}[:=]"
    # A table's cells or a figure's labels, with the caption that follows.
    rf"|(?<!see )(?<!in )(?<!from )\b(?-i:Figure|Fig\.|Table) [A-Z]?[\dl]{{1,3}}[a-z]?: "
    r"|^[^()]*[^\W\d_]{4,}\)",  # the end of a bracket: a line that was cut
    re.IGNORECASE | re.DOTALL,
)
_NOUNS = (
    r"(?:it|they|them|he|she|him|this|these|those|that|such|doing so|so doing"
    r"|the (?:former|latter|same(?! time)|other(?! end| side)|others|two|three|rest|remaining"
    r"|remainder|resulting|aforementioned|preceding|above"
    r"|previous (?=analys|section|paragraph|example)))"
)
_OWNERS = r"(?:its|itself|their|his|her)"  # "In its course, the pandemic ..." looks ahead
_OF = (
    r"(?:(?:all|any|both|each|either|few|half|many|most|neither|none|one|several|some|two|three)"
    r" (?:of )?)?"
)
_BEFORE = (
    r"(?:about|after|along with|among|as for|at|based on|because of|before|besides|between|by"
    r"|compared (?:to|with)|despite|due to|during|following|for|from|given|in|in addition to"
    r"|in contrast to|in line with|of|on|through|to|under|unlike|upon|using|with|within|without"
    r"|when|while|if|although|though|because|since|whether|as) "
)
_PAPER = (
    r"(?:this|these|that) (?:(?:present|current|new|large|small|prospective|retrospective|pilot"
    r"|systematic|randomi[sz]ed|controlled|clinical|\w+-\w+),? ){0,3}"
    r"(?:stud(?:y|ies)|papers?|works?|articles?|reviews?|reports?|trials?|research|section"
    r"|manuscript|thesis|survey|analysis|meta-analysis|cohort|issue|context|day)\b"
)
_SAID = (
    r"(?:accepted|agreed|argued|assumed|believed|clear|common|conceivable|concluded|critical|crucial"
    r"|demonstrated|difficult|documented|easy|essential|established|estimated|evident|expected"
    r"|found|hard|hoped|hypothesi[sz]ed|important|impossible|interesting|known|likely|necessary"
    r"|noted?|noteworthy|observed|plausible|possible|postulated|proposed|recogni[sz]ed|recommended"
    r"|reported|shown|speculated|suggested|tempting|thought|true|unclear|uncertain|unknown"
    r"|unlikely|useful|vital|well|worth)"
)
_EXPLETIVE = (
    r"it (?:is|was|has been|had been|can be|could be|may be|might be|must be|should be|will be"
    r"|would be|remains|seems|appears|became|becomes)(?: [\w-]+){0,2}? " + _SAID + r"\b"
)
_PROPOSED = (
    r"(?:,? (?:we|this (?:paper|work|article)) (?:\w+ ){0,2}(?:develop|introduc|present|propos)\w*)"
)
_STANDS = (  # "those who smoke", "that is the case where", "this is the first study"
    rf"(?:{_PAPER}|{_EXPLETIVE}"
    r"|those (?:who|whose|with|without|that|which|of|in|from|on|at|under|over)\b"
    rf"|this (?:end|aim|purpose){_PROPOSED}"
    r"|(?:this|that) is (?:the|an?|our) (?:\w+ ){0,3}?(?:study|paper|report|trial|work)\b)"
)
_JOINS = (
    r"(?:however|nevertheless|nonetheless|therefore|thus(?! far)|hence|consequently|accordingly"
    r"|as a (?:result|consequence)|instead(?! of)|otherwise|conversely"
    r"|(?:in|by) contrast(?! to| with)|on the (?:other hand|contrary)|similarly|likewise|meanwhile"
    r"|rather(?! than)|indeed|in fact"
    r"|for (?:example|instance)|in other words|in particular|specifically)\b"
)
_ADDS = (
    r"(?:(?:and|but|so|moreover|furthermore|in addition|additionally|also|besides|finally|again"
    r"|interestingly|importantly|notably|first(?:ly)?|second(?:ly)?|third(?:ly)?|overall"
    r"|unfortunately|surprisingly|currently|recently|further|together|taken together),? )?"
)
_ALONE = (
    r"(?:most|some|many|both|all|others?|another|several|few|neither|none|one|two|three)"
    r" (?:runs?|are|were|is|was|have|has|had|use|do|did|of (?:these|those|them|which))\b"
)
_ENDS_BACK = r"[^,;:]{0,80}\b(?:by|for|from|in|of|on|than|to|with) (?:them|it|this|these|those)\.$"
_TO_BACK = r"to (?:\w+ly )?(?:\w+ )?(?!be )\w+ (?:it|them|this|these|those|that)\b"
_SUBJECT_BACK = (
    rf"(?:across|at|by|for|from|in|on|over|through|under|with) [^,;:]{{2,60}}, (?!{_STANDS})"
    r"(?:it|they|this|these|he|she)\b"
)
_LOOSE = re.compile(rf"^[\"'\u201c(]*(?:{_JOINS}|{_ADDS}{_ALONE})", re.IGNORECASE)
_TIGHT = re.compile(
    rf"^(?:{_ENDS_BACK}|{_TO_BACK}(?! (?:stud|paper|work)|(?: \w+)?{_PROPOSED})|{_SUBJECT_BACK}"
    rf"|[\"'\u201c(]*(?:{_JOINS},? )?{_ADDS}(?!{_STANDS})"
    rf"(?:{_OWNERS}|(?:{_BEFORE})?(?!{_STANDS}){_OF}(?!{_STANDS}){_NOUNS})\b)",
    re.IGNORECASE,
)
_MAX_CHARS = 900  # characters: a sentence with its antecedent must stay readable
_MAX_BACK = 2  # sentences
_HEADING_WORDS = 6  # words: a longer line has a verb
# Letters from Cyrillic to Hangul: verbs are known of English only, and not all of these scripts
# part words.
_OTHER_SCRIPT = re.compile(r"[\u0400-\u1cff\u3040-\ud7a3]")
_VERB = re.compile(  # or a pronoun, which no heading has
    r"\b(?:be|can|could|did|do|had|has|have|is|are|may|might|must|should|was|were|will|would"
    r"|became|began|came|fell|felt|found|gave|grew|held|kept|led|left|lost|made|met|rose|saw|took"
    r"|went|he|it|she|they|we)\b|\w(?:s|ed)\b",
    re.IGNORECASE,
)


def says_something(text: str) -> bool:
    """Say whether a sentence may stand in an answer.

    :param text: The sentence.
    :return: False for questions, signposts ("Table 2 lists ..."), headings ("Error correction.")
        and what is left of a table.
    """
    return not _is_heading(text) and _SAYS_NOTHING.search(text) is None


def _is_heading(text: str) -> bool:
    is_short = len(text.split()) <= _HEADING_WORDS
    return is_short and not (_VERB.search(text) or _OTHER_SCRIPT.search(text))


def points_back(text: str) -> bool:
    """Say whether a sentence opens with what only the sentence before explains.

    :param text: The sentence.
    :return: True for "It ...", "In these patients, ...", "However, ..." and their like.
    """
    return _LOOSE.match(text) is not None or _TIGHT.match(text) is not None


def is_understood(chunk: Chunk, index: int) -> bool:
    """Say whether a quote of a sentence names what it speaks of.

    :param chunk: The chunk.
    :param index: Which of its sentences.
    :return: False where "it", "these" or the like mean what the quote cannot begin with.
    """
    start = chunk.sentences[index].start
    return quote_start(chunk, index) < start or not _TIGHT.match(_text(chunk, index))


def quote_start(chunk: Chunk, index: int) -> int:
    """Return where a quote of a sentence starts: with what it points back to.

    :param chunk: The chunk.
    :param index: Which of its sentences.
    :return: Canonical offset of the sentence, or of one of the two before it.
    """
    sentences = chunk.sentences
    first = index
    while index - first < _MAX_BACK and points_back(_text(chunk, first)):
        before = sentences[first - 1] if first else None
        if before is None or not before.quotable or not says_something(_text(chunk, first - 1)):
            break
        if sentences[index].end - before.start > _MAX_CHARS:
            break
        parted = "\n" in chunk.slice(before.end, sentences[first].start)
        if parted and not _TIGHT.match(_text(chunk, first)):
            break  # "However" at a paragraph's start is about all of the one before
        first -= 1
    return sentences[first].start


def _text(chunk: Chunk, index: int) -> str:
    sentence = chunk.sentences[index]
    return chunk.slice(sentence.start, sentence.end)

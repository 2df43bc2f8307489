"""The form of a written statement: one or two plain sentences that order nothing.

In: the statement's text, and its quotes' words. Out: what is wrong with it, or None.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from ragqa.verify.drops import Failure
from ragqa.wording.words import sentences

__all__ = ["check_language", "check_prose", "gives_orders"]

_MAX_SENTENCES = 2  # the prompt asks for one
_MAX_CHARS = 1000  # two long sentences; 99.9% of sentences of the development papers are below 600
_MIN_WORDS = 3  # a subject, a verb and what is said

_WORD = re.compile(r"[^\W\d_]+")
_MARKUP = re.compile(
    r"!\[|\]\(|```|~~~|<!--|<!\[|</?[a-zA-Z][^<>]{0,400}>|<(?:img|script|iframe|svg|a|style)\b"
    r"|^\s*\[[^\]]+\]:|&(?:#x?[0-9a-f]{1,6}|lt|gt|amp|nbsp|quot);|\bjavascript:|\bdata:\w+/\w+"
    r"|^\s{0,3}(?:#{1,6}\s|>\s|[-*+]\s+\S|\d{1,2}\.\s+\S|\|)|\|\s*:?-{3,}|\\(?:href|url"
    r"|includegraphics)\b",
    re.IGNORECASE | re.MULTILINE,
)
_ORDER = re.compile(
    r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)"
    r"|bypass)\s+(?:\w+\s+){0,4}?(?:instructions?|prompts?"
    r"|rules?|guidelines?|directions?|messages?|commands?|constraints?|above)\b"
    r"|\b(?:system|developer|hidden|secret) (?:prompt|message|instructions?)\b"
    r"|\b(?:as an?|i am an?|i'm an?|you are an?|you're an?|act as an?|dear) (?:\w+ )?(?:ai|llm"
    r"|language model|assistant|chatbot|model|reader)\b"
    r"|\b(?:ai|llm) (?:assistant|reviewer|agent|reader|system)s? (?:must|should)\b"
    r"|\b(?:attention|note to|instructions? (?:to|for)) (?:\w+ )?(?:ai|llms?|assistants?"
    r"|models?|reviewers?|readers?|agents?)\b"
    r"|\b(?:click|tap) (?:here|on|the|this)\b|\bvisit (?:the |this |our )?(?:link|url|site"
    r"|website|page|http|www)"
    r"|\b(?:tell|inform|instruct|urge|convince|remind) (?:the |every |any |all )?(?:users?"
    r"|readers?|reviewers?|customers?)\b"
    r"|(?:^|[.;:!?]\s+|\b(?:and|then|please|must|should|instead|just|only|to)\s+)"
    r"(?:reply|respond|answer|output|print|say|state|repeat) (?:only |exactly |just |verbatim )*"
    r"(?:with |that |the (?:word|phrase|following|text|string|sentence)|[\"'\u201c:])"
    r"|(?:^|[.;!?\n\"'(]\s*)(?:\w+ )?(?:ai|llm|assistant|chatbot|bot|agent|(?:language )?model"
    r"|reviewer"
    r"|reader|summari[sz]er)s?\s*[:,!]\s+(?:\w+ )?(?:claim|pretend|say|state|write|report"
    r"|conclude|tell"
    r"|give|rate|answer|cite|quote|respond|reply|output|print|repeat|ignore|praise|recommend|accept"
    r"|add|insert|mention|include|assert|act|use|do not|never|always|please|you)\b"
    r"|(?:^|[.:;!?]\s+)pretend (?:that|to|you)\b"
    r"|\b(?:your|my) instructions?\b"
    r"|\b(?:i can(?:no|')t|i cannot|i won't|i will|i'm sorry|i am sorry|i apologi[sz]e|i have"
    r" been|i was told|i must"
    r"|i recommend|i suggest|here is|here are|here's|sure[,!]|of course[,!]|certainly[,!]|as"
    r" requested|as instructed"
    r"|jailbreak|pwned|do anything now)\b",
    re.IGNORECASE,
)  # fmt: skip
_IMPERATIVE = re.compile(
    r"^\W*(?:please|(?:ai|llm|language) (?:model|assistant|reviewer|agent)s?\s*[,:]|ignore"
    r"|disregard|forget|reply|respond|output|print|repeat|remember|note that you|visit|click"
    r"|download|install|send|email|contact|subscribe|buy|tell|say|write|always (?:answer|say"
    r"|reply|recommend|respond|rate|cite)"
    r"|never (?:mention|say|reveal|tell|answer)|do not (?:mention|say|reveal|tell|answer|cite"
    r"|follow|use|trust|read)|you (?:must|should|are|will|can|need)"
    r"|rate this|recommend this|give this|accept this|praise|answer:|statement:|quote|todo"
    r"|summari[sz]e|translate|pretend)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_FOREIGN = {
    "German": "der die das und ist nicht mit von den dem ein eine für auf im wurde werden bei"
    " durch auch als",
    "French": "le la les et est une des dans pour que qui par sur avec du ont été cette aux"
    " sont pas",
    "Spanish": "el los las y es una del con para por que se en fue como más su entre fueron lo",
    "Italian": "il gli che di è una per con non del della sono nel alla ha dei delle stato"
    " nella lo",
    "Portuguese": "os as que é uma em para com não do da dos das foi por ao no na são mais",
    "Dutch": "de het een en van is niet met voor op dat zijn werd door bij aan ook te naar was",
    "Polish": "nie jest się na że z do przez oraz był które dla od po są jako jego tym",
    "Swedish": "och att det är som en för med på av inte den till har om var kan ett",
    "Turkish": "bir ve bu için ile olarak daha olan çok gibi de da değil kadar sonra",
    "Indonesian": "yang dan di dengan untuk pada dari ini tidak adalah dalam oleh itu akan",
}
_FOREIGN_SETS = {name: frozenset(words.split()) for name, words in _FOREIGN.items()}
_ENGLISH = frozenset(
    "the of and in to a is was were are that with for by on as at from be this it than not or"
    " an had"
    " have has which their its been after between who did no more but when these can may".split()
)
_ENOUGH_WORDS = 5  # of a statement whose language can be told from its stop words


def check_prose(text: str) -> Failure | None:
    """Check a statement's form.

    :param text: What is said.
    :return: What is wrong with it, or None.
    """
    if len(text) > _MAX_CHARS:
        return Failure("not-a-sentence", "the statement is too long for one plain sentence")
    if _MARKUP.search(text):
        return Failure("markup", "the statement holds markup; plain sentences are wanted")
    words = _WORD.findall(text)
    if len(words) < _MIN_WORDS:
        return Failure("not-a-sentence", "the statement is not one plain sentence")
    if len(sentences(text.strip())) > _MAX_SENTENCES:
        return Failure("not-a-sentence", "the statement has more than two sentences")
    if text.rstrip(" \"')\u201d").endswith(("?", ":", "...", "\u2026")):
        return Failure("not-a-sentence", "the statement is a question or unfinished")
    if gives_orders(text) or _ADDRESS.search(text):
        return Failure("instruction", "the statement addresses the reader or gives an order")
    return None


def gives_orders(text: str) -> bool:
    """Say whether a text tells its reader, or a model, what to do.

    :param text: A statement, or the sentences around a quote.
    :return: Whether it has a wording of orders.
    """
    if _ORDER.search(text):
        return True
    return any(_IMPERATIVE.search(text[start:end]) for start, end in sentences(text))


def check_language(text: str, quotes: str) -> Failure | None:
    """Check that a statement is in its quotes' script and language.

    :param text: What is said.
    :param quotes: The quotes' words.
    :return: What is wrong, or None.
    """
    said, quoted = _script(text), _script(quotes)
    if said != quoted:
        return Failure(
            "other-language", f"the statement is in another script than its quotes ({said})"
        )
    words = [word.lower() for word in _WORD.findall(text)]
    quoted_words = {word.lower() for word in _WORD.findall(quotes)}
    if said != "LATIN" or len(words) < _ENOUGH_WORDS or not quoted_words & _ENGLISH:
        return None
    english = sum(word in _ENGLISH for word in words)
    for name, known in _FOREIGN_SETS.items():
        foreign = sum(word in known and word not in quoted_words for word in words)
        if foreign > max(1, english):
            return Failure(
                "other-language", f"the statement is not in its quotes' language ({name})"
            )
    return None


def _script(text: str) -> str:
    letters = (letter for letter in text if letter.isalpha())
    counts = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters)
    counts.pop("GREEK", None)  # symbols of formulas
    return counts.most_common(1)[0][0] if counts else "LATIN"

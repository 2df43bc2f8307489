"""How strongly a text says what it says: hedges, causes, all and some.

In: plain text. Out: which marks of strength it has. Only the words are looked at, so a text is
judged one sentence at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Strength", "open_spans", "soft_spans", "strength"]

_HEDGE = re.compile(
    r"\b(?:may|might|could|can|would|should|perhaps|maybe|possib(?:le|ly|ility)|potential(?:ly)?"
    r"|probabl[ey]|likely|likelihood|plausib(?:le|ly)|appear(?:s|ed|ing)?|seem(?:s|ed|ing|ingly)?"
    r"|suggest\w*|indicat\w*|hypothes\w*|speculat\w*|suspect\w*|presum\w*|assum\w*|believ\w*"
    r"|thought to|expected to|considered|propos\w*|conceivabl[ey]|tend(?:s|ed|ency)?"
    r"|apparent(?:ly)?"
    r"|candidate|preliminary|unclear|uncertain\w*|some evidence|limited evidence|point(?:s|ed"
    r"|ing)? to"
    r"|consistent with|promis(?:e|ing)|capable|ability|capacity|chance|partly|partially"
    r"|not (?:yet )?(?:known|clear|certain|proven)|argu\w+|trend|warrant\w*|hint\w*|impl(?:y"
    r"|ies|ied)"
    r"|according to|authors?|estimat\w*|conclude\w*|report\w*|hope\w*|aim\w*|risk|in theory"
    r"|whether|unknown|not known|unsure|controversial|debate\w*|sometimes|occasionally|in some"
    r"|under some|putative\w*|presumably|reportedly)\b",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"\b(?:may|might|could|perhaps|maybe|(?<!not )(?<!as )possib(?:le(?! to)|ly|ility)"
    r"|potential(?:ly)?|probabl[ey]|likely"
    r"|plausib(?:le|ly)|appear(?:s|ed)? to|seem(?:s|ed)? to|suggest(?:s|ed|ing)?"
    r"|hypothesi[sz]e[sd]?"
    r"|speculat\w*|presumabl[ey]|(?:is|are|was|were|remains?|still) (?:\w+ )?(?:unknown|unclear)"
    r"|not (?:yet )?known|remains? to be|thought to"
    r"|believed to|putative\w*|preliminary|tend(?:s|ed)? to)\b",
    re.IGNORECASE,
)
_CERTAIN = re.compile(
    r"\b(?:prov(?:e|es|ed|en|ing)|proof|definit(?:e|ely|ive)|certain(?:ly|ty)|conclusive(?:ly)?"
    r"|guarante\w+|undoubtedly|unequivocal(?:ly)?|without (?:a |any )?doubt|indisputabl[ey]"
    r"|irrefutabl[ey]|undeniabl[ey]|cures?|cured|clearly (?:prov|establish)\w+"
    r"|inevitabl[ey]|invariabl[ey]|definitively|beyond (?:any )?doubt|always ensures?|eradicat\w+"
    r"|establish(?:es|ed)? (?:that|conclusively)|confirm(?:s|ed)? (?:that|conclusively))\b",
    re.IGNORECASE,
)
_ASSOCIATED = re.compile(
    r"(?<!-)\b(?:associat\w+|correlat\w+|link(?:s|ed|ing|age)?|relat(?:ed|ion|ionship|es)"
    r"|connect\w+"
    r"|predict\w*|risk factors?|prognos\w+|coincid\w+|accompan\w+|covar\w+|tie[ds]?|tended|goes"
    r" with"
    r"|odds|hazard ratio|relative risk)\b",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"(?<!-)\b(?:associat\w+|correlat\w+|link(?:s|ed|ing)?|relationship between|risk factors?"
    r"|predict(?:s|ed|ive|or|ors)|related to)\b",
    re.IGNORECASE,
)
_WHETHER = re.compile(r"\bwhether\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(?:whether|if|assess\w*|examin\w*|test\w*|check\w*|evaluat\w*|investigat\w*|stud\w+"
    r"|compar\w*"
    r"|determin\w*|explor\w*|aim\w*|ask\w*|decid\w*|measur\w*|analy\w*|known?)\b",
    re.IGNORECASE,
)
_CAUSES = re.compile(
    r"\b(?:caus(?:e|es|ed|ing|al|ally|ation)|leads? to|led to|leading to|results? in|resulted in"
    r"|resulting in|results? from|resulted from|due to|because(?: of)?|induc(?:e|es|ed|ing|tion)"
    r"|produc(?:e|es|ed|ing)|driv(?:e|es|en|ing)|drove|trigger(?:s|ed|ing)?|prevent(?:s|ed|ing"
    r"|ion)?"
    r"|protect(?:s|ed|ing|ion|ive)?|owing to|responsible for|brings? about|brought about"
    r"|gives? rise|contribut\w+|mediat\w+|elicit\w*|provok\w*|attribut\w+|effects? (?:of|on)"
    r"|impact\w*"
    r"|influenc\w*|affect(?:s|ed|ing)?|play\w* a role|account\w* for|explain\w*)\b",
    re.IGNORECASE,
)
_STRONG_CAUSES = re.compile(
    r"\b(?:caus(?:e|es|ed|ing|ation)|leads? to|led to|leading to|results? in|resulted in"
    r"|resulting in|results? from|resulted from|due to|because of|induc(?:es?|ed|ing)|produces?"
    r"|driv(?:es?|en)|drove|trigger(?:s|ed)?|prevent(?:s|ed|ing)?|responsible for|brings? about"
    r"|protects?|(?:increas|reduc|decreas|improv)es|lowers|raises|worsens|accelerates|shortens"
    r"|prolongs|boosts)\b",
    re.IGNORECASE,
)
_NAMES_CAUSE = re.compile(
    r"(?<!-)\b(?:caus(?:es|ed|ing)|(?:is|are|was|were) (?:the"
    r"|an?) (?:\w+ )?causes?)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:all|every|everyone|everything|everywhere|always|entire(?:ly)?|complete(?:ly)?|fully"
    r"|total(?:ly)?|wholly|universal(?:ly)?|invariabl[ey]|each|any|whole|throughout|both|100\s?%"
    r"|across|perfect(?:ly)?|never|none|no)\b",
    re.IGNORECASE,
)
_UNIVERSAL = re.compile(
    r"\b(?:all|every|everyone|everything|everywhere|always|entirely|completely|wholly"
    r"|universal(?:ly)?|totally|never|none|in (?:any|every) case|without exception)\b",
    re.IGNORECASE,
)
_NO_UNIVERSAL = re.compile(
    r"\b(?:above all|at all|after all|of all|all-cause|all (?:of )?(?:the |these |those )?(?:two"
    r"|three"
    r"|four|five|\d+)|not all|overall|all in all"
    r"|every (?:\w+ )?(?:second|minute|hour|day|week|month|year|time|night|morning)s?)\b",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"\b(?:some|several|many|most(?:ly)?|certain|often|usually|sometimes|frequently|generally"
    r"|typically|occasionally|majority|minority|a few|partly|partial(?:ly)?|subset|part of|nearly"
    r"|almost|half|commonly|tend(?:s|ed)? to|in part|a number of|mainly|largely|primarily|rarely)\b"
    r"|\b\d[\d.,]*\s?%",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\b(?:only|solely|exclusively|alone|merely|sole|just|limited to|restricted to|confined to"
    r"|unique(?:ly)?|single|except|specific(?:ally)?|nothing but|no other|purely)\b",
    re.IGNORECASE,
)
_EXCLUSIVE = re.compile(r"\b(?:only|solely|exclusively|the sole|purely)\b", re.IGNORECASE)
_NOT_EXCLUSIVE = re.compile(
    r"\bnot (?:only|solely)\b|\b\w+-only\b|\bonly (?=(?:about |some )?[\d.]+|a (?:few|small"
    r"|minority)"
    r"|slight|mild|weak|modest|partial|minor)",
    re.IGNORECASE,
)
_NOT_CERTAIN = re.compile(
    r"(?:\b(?:no|not|never|nor|cannot|without|yet to be|un)|n['\u2019]t)\s*(?:\w+\s+){0,3}?"
    r"(?:prov(?:e|es|ed|en|ing)|proof|certain(?:ly|ty)?|definit\w+|conclusive(?:ly)?|establish\w+"
    r"|guarante\w+|cured?|confirm\w*)\b",
    re.IGNORECASE,
)
_NOT_RANKED = re.compile(r"\b(?:for the most part|at the (?:most|least))\b", re.IGNORECASE)
_BEST = re.compile(
    r"\b(?:best|worst|state-of-the-art|sota|most|largest|highest|lowest|smallest|greatest|first"
    r"|strongest"
    r"|fastest|least|top|optimal|unprecedented|unmatched|record|biggest|main|primary|leading|chief"
    r"|maximum|minimum|outperform\w* all|all (?:other|previous|existing))\b",
    re.IGNORECASE,
)
_SUPERLATIVE = re.compile(
    r"\b(?:the best|the worst|the largest|the highest|the lowest|the greatest|the fastest|the most"
    r"|the strongest|the smallest|state-of-the-art|the only|the first|unprecedented|unmatched"
    r"|revolutionary|groundbreaking|the least)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """What a text has of each mark of strength.

    :ivar hedged: Words that keep a claim open, in a wide sense: enough to keep a hedge.
    :ivar soft: Words that do so in the narrow sense: losing them changes the claim.
    :ivar certain: Words of proof.
    :ivar associated: Words of association, in a wide sense.
    :ivar linked: The same in the narrow sense.
    :ivar open: Words for a question that is put: ``whether``.
    :ivar asks: Words that keep it one.
    :ivar causal: Words of cause, in a wide sense.
    :ivar causes: Words of cause in the narrow sense.
    :ivar names_cause: The word itself: ``causes``, ``is the cause of``.
    :ivar general: Words for all, in a wide sense.
    :ivar universal: Words for all in the narrow sense.
    :ivar partial: Words for a part.
    :ivar limited: Words for nothing else, in a wide sense.
    :ivar exclusive: Words for nothing else in the narrow sense.
    :ivar ranked: Words for being first, in a wide sense.
    :ivar superlative: Words for being first in the narrow sense.
    """

    hedged: bool
    soft: bool
    certain: bool
    associated: bool
    linked: bool
    open: bool
    asks: bool
    causal: bool
    causes: bool
    names_cause: bool
    general: bool
    universal: bool
    partial: bool
    limited: bool
    exclusive: bool
    ranked: bool
    superlative: bool


def strength(text: str) -> Strength:
    """Look for marks of strength.

    :param text: Plain text.
    :return: Which it has.
    """
    universal = _NO_UNIVERSAL.sub(" ", text)
    exclusive = _NOT_EXCLUSIVE.sub(" ", text)
    return Strength(
        hedged=_HEDGE.search(text) is not None,
        soft=_SOFT.search(text) is not None,
        certain=_CERTAIN.search(_NOT_CERTAIN.sub(" ", text)) is not None,
        associated=_ASSOCIATED.search(text) is not None,
        linked=_LINKED.search(text) is not None,
        open=_WHETHER.search(text) is not None,
        asks=_ASKS.search(text) is not None,
        causal=_CAUSES.search(text) is not None,
        causes=_STRONG_CAUSES.search(text) is not None,
        names_cause=_NAMES_CAUSE.search(text) is not None,
        general=_ALL.search(text) is not None,
        universal=_UNIVERSAL.search(universal) is not None,
        partial=_SOME.search(text) is not None,
        limited=_ONLY.search(exclusive) is not None,
        exclusive=_EXCLUSIVE.search(exclusive) is not None,
        ranked=_BEST.search(text) is not None,
        superlative=_SUPERLATIVE.search(_NOT_RANKED.sub(" ", text)) is not None,
    )


def open_spans(text: str) -> list[tuple[int, int]]:
    """Return where a text puts a question.

    :param text: Plain text.
    :return: Spans of ``whether``.
    """
    return [match.span() for match in _WHETHER.finditer(text)]


def soft_spans(text: str) -> list[tuple[int, int]]:
    """Return where the reservations of a text stand.

    :param text: Plain text.
    :return: Spans of words that keep a claim open in the narrow sense.
    """
    return [match.span() for match in _SOFT.finditer(text)]

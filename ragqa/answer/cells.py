"""A paper's chunks -> what fills the input and the output cell of its workflow.

In: all chunks of one paper. Out: drafts, best first; none where nothing speaks of the cell. No
similarity is asked: a sentence must say what *this* model takes in or gives out, in one of these
forms, best first:

1. a sentence whose subject is the model (we, our, it, the network, its own name) with a verb of
   taking or giving, or "the input is ...", "given an ..., we ...", "turns a ... into a ...";
2. a README's argument line ("outdir : Path to save test results") or call ("--input shot.png");
3. for the input, a declaration or title that names it ("from a single depth image").

What other work does, what one part of a network passes to the next, how good results are, thanks
for somebody's input, and arguments of training fill no cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from ragqa.generate.extractive import extract
from ragqa.plan.declared import affirmed, declarations, proposes
from ragqa.records import Chunk, Draft, DraftQuote, ScoredSentence, Sentence

__all__ = ["cell_drafts"]

_Side = Literal["input", "output"]

_OTHERS = re.compile(
    r"\b(?:prior|previous|existing|earlier|conventional|traditional|baselines?|competing|most|many"
    r"|some|others?|their|they|et al|survey|thank\w*|reviewers?|readers?|participants?"
    r"|respondents?|impossible|could|would|unlike)\b|\(\d{4}[a-z]?\)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\b(?:layers?|blocks?|encoders?|decoders?|heads?|modules?|branch(?:es)?|stages?|hidden|kernels?"
    r"|convolution\w*|activations?|softmax|gates?|attention|dropout|sub-?networks?|units?"
    r"|discriminators?|embedding layer|tokens?|loss|gradients?"
    r"|(?:embedding|feature|hidden|latent) (?:maps?|representations?|spaces?|vectors?))\b",
    re.IGNORECASE,
)
_OTHER_SECTION = re.compile(
    r"related|background|baseline|prior|acknowledg|thanks|ethic|broader|appendix|experiment|ablation"
    r"|training|evaluation|results?\b|setup|data ?sets?|\berrors?\b|^(?-i:[B-H](?:\.\d+)* [A-Z])",
    re.IGNORECASE,
)
_JUDGED = re.compile(  # what came out on an occasion, not what comes out
    r"\b(?:wrong(?:ly)?|incorrect(?:ly)?|mistak\w+|with an? accuracy)\b|\d ?%",
    re.IGNORECASE,
)
_MODEL = (
    r"(?:model|method|network|system|framework|approach|tool|program|algorithm|package|library)"
)
_SELF = rf"(?:it|(?:our|the|this|the proposed) (?:\w+ )?{_MODEL}(?: \w+)?)"
_THEN = r"(?:\w+ly |then |also )?"
_GOOD = (
    r"(?:state|better|best|results?\b|improve|performance|gains?|accura|scores?|errors?|competitive"
    r"|superior|significant|substantial|strong|promising|comparable|higher|lower"
    r"|\d[\d.]* ?(?:%|points?|percent))"
)
_TAKES = r"(?:takes|accepts|receives|consumes|ingests|needs|expects|is given|is fed|reads)"
_GIVES = (
    r"(?:outputs|produces|generates|returns|predicts|restores|estimates|recovers|reconstructs|emits"
    r"|writes|names|labels|assigns)"
)
_TURNS = r"(?:turns|converts|transforms|translates|maps|enlarges)"
_WE_GIVE = (
    r"we (?:\w+ly )?(?:output|produce|generate|return|predict|restore|estimate|recover|obtain)"
)
_NO_INPUT = (  # "takes a week", "needs a GPU", "takes a different approach"
    r"(?:\w+ ){0,2}(?:weeks?|days?|hours?|minutes?|seconds?|ms|gpus?|while|look|steps?|approach"
    r"|view|form|role|lot|long|careful)\b"
)
_STARTS = r"(?:an?|one|two|each|every|single|raw|the)"
_STATED: Final[dict[_Side, tuple[str, ...]]] = {
    "input": (
        rf"\b{_SELF} {_THEN}{_TAKES} .{{0,120}}\bas (?:an? |its |the )?(?:\w+ )?inputs?\b",
        rf"\b(?:the|its|our) inputs? (?:to|of|for) (?:the|our|this) {_MODEL} (?:is|are|consists)\b",
        rf"\b(?:the|its|our) inputs? (?:is|are|consists? of) (?:{_STARTS}|\w+s)\b",
        rf"\bgiven {_STARTS} .{{3,120}}?, (?:{_SELF} {_THEN}(?:{_GIVES}|{_TURNS})|{_WE_GIVE})\b",
        rf"\b{_SELF} {_THEN}{_TAKES} {_STARTS} (?!{_NO_INPUT})",
        rf"\b{_SELF} {_THEN}{_TURNS} .{{3,80}} (?:in)?to \w+\b",
    ),
    "output": (
        rf"\b(?:the|its|our) outputs? (?:of (?:the|our|this) {_MODEL} )?(?:is|are|consists? of)"
        rf" (?:{_STARTS}|in|\w+s)\b",
        rf"\b{_SELF} {_THEN}outputs \w+",
        rf"\b{_SELF} {_THEN}{_TURNS} .{{3,80}} (?:in)?to \w+\b",
        rf"\b{_SELF} {_THEN}{_GIVES} (?!.{{0,30}}{_GOOD})\w+",
        rf"\bgiven {_STARTS} .{{3,120}}?, (?:{_SELF} {_THEN}{_GIVES}|{_WE_GIVE})\b",
    ),
}
_CLAUSE: Final[dict[_Side, str]] = {  # "We propose X, a network that predicts ..."
    "input": rf"\b(?:that|which) {_THEN}(?:{_TAKES}|{_TURNS}) (?!.{{0,30}}{_GOOD})",
    "output": rf"\b(?:that|which) {_THEN}(?:{_GIVES}|{_TURNS}) (?!.{{0,30}}{_GOOD})",
}
_ORIGIN = re.compile(
    r"\bfrom (?:an? |one |two )?(?:single|monocular|raw|noisy|blurr\w+|low-res\w+|few|only|stereo"
    r"|unlabell?ed|natural)\b|\bsingle[- ](?:image|photo\w*|view|frame|shot|channel|picture)s?\b",
    re.IGNORECASE,
)
_ARGUMENT = re.compile(
    r"^\W{0,4}(?P<name>[A-Za-z][\w-]{1,40})\s*(?::|=|\u2013| - )\s*(?P<says>\S.{5,})$"
)
_ARGUMENT_NAME: Final[dict[_Side, str]] = {
    "input": r"(?:^|_|-)(?:input|in|src|source|test|query|image|img|audio|video|text|data)",
    "output": r"(?:^|_|-)(?:output|out|dst|dest|save|result|pred)",
}
_NO_ARGUMENT = re.compile(
    r"\b(?:whether|true|false|number|size|rate|seed|epochs?|checkpoints?|weights?|train\w*|valid\w*"
    r"|hyper\S*|logs?)\b|^(?:train|val|load|ckpt|check)",
    re.IGNORECASE,
)
_FLAG: Final[dict[_Side, str]] = {
    "input": r"(?<!\S)--?(?:input|in|i|image|img|source|src|video|audio|file)[\w-]*[ =]\S",
    "output": r"(?<!\S)--?(?:output|out|o|save|dest|result)[\w-]*[ =]\S",
}
_FILE = (
    r"[\w-]+\.(?:png|jpe?g|tiff?|dng|bmp|gif|pdf|txt|md|csv|tsv|json|wav|mp3|flac|mp4|avi|npy)\b"
)
_CALL: Final[dict[_Side, str]] = {  # "tool scan.png > letter.txt"
    "input": rf"^(?:\$ )?[a-z][\w./-]*(?: [\w./-]+)* {_FILE}",
    "output": rf"^(?:\$ )?[a-z][\w./-]*(?: [\w./-]+)* {_FILE}(?: >)? {_FILE}$",
}
_GIVE_GET = re.compile(
    r"^(?:give|feed|pass|upload)\b.{3,80}\b(?:get|receive|obtain)\b", re.IGNORECASE
)


def cell_drafts(chunks: Sequence[Chunk], cell: _Side, *, paper_id: str) -> Iterator[Draft]:
    """Find what says what a model takes in or gives out.

    :param chunks: All chunks of the model, each document's in reading order.
    :param cell: Which of the two.
    :param paper_id: The model's paper.
    :yield: Drafts for the cell, best first, to be verified.
    """
    yield from _stated(chunks, cell, paper_id)
    yield from _arguments(chunks, cell, paper_id)
    if cell == "input":
        for draft in declarations(chunks, paper_id=paper_id):
            if _ORIGIN.search(draft.text):
                yield _with(draft.quotes[0], cell, paper_id)


def _stated(chunks: Sequence[Chunk], cell: _Side, paper_id: str) -> Iterator[Draft]:
    """Yield sentences that state it: by form, then in reading order."""
    own = _own_names(chunks, paper_id)
    found = [
        (rank, ScoredSentence(chunk=chunk, sentence=sentence, score=0.0))
        for chunk, sentence in _candidates(chunks, own)
        if (rank := _rank(chunk.slice(sentence.start, sentence.end), cell, own)) is not None
    ]
    for _, scored in sorted(found, key=lambda pair: pair[0]):
        yield from extract([scored], limit=1, paper_id=paper_id, cell=cell)


def _candidates(chunks: Sequence[Chunk], own: str) -> Iterator[tuple[Chunk, Sentence]]:
    """Yield sentences that can speak of the model; "It ..." where the one before does."""
    for chunk in chunks:
        if not _OTHER_SECTION.search(chunk.section):
            before = ""
            for sentence in chunk.sentences:
                text = chunk.slice(sentence.start, sentence.end)
                is_it = text.startswith("It ")
                about = f"{before} {text}" if is_it else text
                is_own = not (is_it and before) or _names_model(before, own)
                if sentence.quotable and is_own and not _is_of_another(text, about):
                    yield chunk, sentence
                before = text


def _is_of_another(text: str, about: str) -> bool:
    """Say whether a sentence is about others' work, a part of the model, or a single result."""
    return any(pattern.search(text) for pattern in (_PART, _JUDGED)) or bool(_OTHERS.search(about))


def _names_model(text: str, own: str) -> bool:
    if re.search(rf"\b{_SELF}\b|\bwe\b|\bour\b", text, re.IGNORECASE):
        return True
    return bool(own) and re.search(rf"\b(?:{own})\b", text) is not None


def _own_names(chunks: Sequence[Chunk], paper_id: str) -> str:
    """Return a pattern of what the model is called: names in its declarations."""
    texts = " ".join(
        d.text for d in declarations(chunks, paper_id=paper_id) if not d.text.isupper()
    )
    names = set(re.findall(r"\b[A-Z][\w-]*[A-Z\d][\w-]*", texts))
    titled = (chunk.section for chunk in chunks[:1] if len(chunk.section.split()) <= _NAME_WORDS)
    names.update(name for name in titled if name and name.lower() not in _SECTIONS)
    return "|".join(map(re.escape, sorted(names)))


_LINE_CHARS = 300  # a longer line lists much else
_NAME_WORDS = 3  # a longer heading is a title, not a name
_SECTIONS = frozenset(("abstract", "introduction", "usage", "summary", "overview", "about"))


def _rank(text: str, cell: _Side, own: str) -> int | None:
    """Return which form a sentence has, the best being 0; None where it has none."""
    said = affirmed(text)
    for rank, form in enumerate(_STATED[cell]):
        pattern = form.replace(_SELF, rf"(?:{_SELF}|(?-i:{own}))") if own else form
        if re.search(pattern, said, re.IGNORECASE):
            return rank
    if proposes(said) and re.search(_CLAUSE[cell], said, re.IGNORECASE):
        return len(_STATED[cell])
    return None


def _arguments(chunks: Sequence[Chunk], cell: _Side, paper_id: str) -> Iterator[Draft]:
    """Yield a README's lines on arguments and calls: those that say it by name first."""
    found = [
        (rank, quote)
        for quote in _lines(chunks)
        if (rank := _line_rank(quote.text, cell)) is not None
    ]
    for _, quote in sorted(found, key=lambda pair: pair[0]):
        yield _with(quote, cell, paper_id)


def _lines(chunks: Sequence[Chunk]) -> Iterator[DraftQuote]:
    for chunk in chunks:
        if chunk.document == "readme" and not re.search("train", chunk.section, re.IGNORECASE):
            for match in re.finditer(rf"^.{{1,{_LINE_CHARS}}}$", chunk.text, re.MULTILINE):
                yield DraftQuote(chunk=chunk, text=match[0], start=chunk.start + match.start())


def _line_rank(line: str, cell: _Side) -> int | None:
    if re.search(_FLAG[cell], line) or re.search(_CALL[cell], line) or _GIVE_GET.search(line):
        return 0
    argument = _ARGUMENT.match(line)
    if argument is None or _NO_ARGUMENT.search(line):
        return None
    named = re.search(_ARGUMENT_NAME[cell], argument["name"], re.IGNORECASE)
    if named is None:
        return None
    return 2 if named[0].lower().strip("_-") == "data" else 1


def _with(quote: DraftQuote, cell: _Side, paper_id: str) -> Draft:
    return Draft(text=quote.text, quotes=(quote,), paper_id=paper_id, cell=cell)

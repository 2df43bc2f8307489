"""Measures of answers: whether what the system says is right.

In: questions with evidence, answers, choices or relevant papers, and statements. Out: a value for
each question. Invariant: an answerable question on which the system abstained counts 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragqa.evaluate.measures.bench import shown
from ragqa.evaluate.measures.evidence import has_evidence, overlaps_any
from ragqa.evaluate.measures.family import Family, Measure, each
from ragqa.evaluate.measures.words import contains, is_verdict, token_f1, words
from ragqa.evaluate.records import GoldQuestion, Quoted, Response, Said

__all__ = ["ANSWERS", "CORRECT", "can_judge", "is_right"]

_LEFT_OUT = (
    "An answerable question on which the system abstained counts 0; unanswerable ones are left "
    "out, as is every question without this gold."
)


def is_right(question: GoldQuestion, statements: Sequence[Said]) -> bool:
    """Say whether an answer is right, by the strictest gold that the question has.

    :param question: An answerable question that `can_judge` accepts.
    :param statements: The answer.
    :return: False also for no statements.
    """
    rule = _rule(question)
    return rule is not None and bool(statements) and rule(question, statements)


def can_judge(question: GoldQuestion) -> bool:
    """Say whether there is gold that tells a right answer from a wrong one.

    :param question: The question.
    :return: True for an unanswerable question too: abstaining is right there.
    """
    return not question.answerable or _rule(question) is not None


def _rule(question: GoldQuestion) -> Callable[[GoldQuestion, Sequence[Said]], bool] | None:
    if question.evidence:
        return _cites_evidence
    if _right_choices(question):
        return _chooses_right
    if question.relevant and not _asked_of_relevant_only(question):
        return _cites_relevant_paper
    return _contains_answer if _findable(question) else None


def _asked_of_relevant_only(question: GoldQuestion) -> bool:
    return bool(question.paper_ids) and set(question.paper_ids) <= set(question.relevant)


def _citations(statements: Sequence[Said]) -> list[Quoted]:
    return [citation for statement in statements for citation in statement.citations]


def _joined(statements: Sequence[Said]) -> list[str]:
    return words(" ".join(statement.text for statement in statements))


def _cites_evidence(question: GoldQuestion, statements: Sequence[Said]) -> bool:
    return any(overlaps_any(citation, question.evidence) for citation in _citations(statements))


def _cites_relevant_paper(question: GoldQuestion, statements: Sequence[Said]) -> bool:
    return any(question.relevant.get(each.paper_id, 0) > 0 for each in _citations(statements))


def _contains_answer(question: GoldQuestion, statements: Sequence[Said]) -> bool:
    answer = _joined(statements)
    return any(contains(answer, gold) for gold in _findable(question))


def _chooses_right(question: GoldQuestion, statements: Sequence[Said]) -> bool:
    return _chosen(question, statements) in _right_choices(question)


def _golds(question: GoldQuestion) -> list[list[str]]:
    return [gold for gold in map(words, question.answers) if gold]


def _findable(question: GoldQuestion) -> list[list[str]]:
    return [gold for gold in _golds(question) if not is_verdict(gold)]


def _right_choices(question: GoldQuestion) -> set[int]:
    golds = _golds(question)
    return {n for n, choice in enumerate(question.choices) if words(choice) in golds}


def _chosen(question: GoldQuestion, statements: Sequence[Said]) -> int | None:
    answer = set(_joined(statements))
    options = [set(words(choice)) for choice in question.choices]
    shares = [len(option & answer) / len(option) if option else 0.0 for option in options]
    best = max(shares)
    return shares.index(best) if best > 0 and shares.count(best) == 1 else None


def _has_answers(question: GoldQuestion) -> bool:
    return question.answerable and bool(_golds(question))


def _has_findable_answers(question: GoldQuestion) -> bool:
    return question.answerable and bool(_findable(question))


def _has_choices(question: GoldQuestion) -> bool:
    return question.answerable and bool(_right_choices(question))


def _answer_hit(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(_cites_evidence(question, shown(response)[: measure.cutoff]))


def _correct(question: GoldQuestion, response: Response, measure: Measure) -> float:
    if not question.answerable:
        return float(response.abstained is True)
    return float(is_right(question, shown(response)))


def _token_f1(question: GoldQuestion, response: Response, measure: Measure) -> float:
    answer = _joined(shown(response))
    return max(token_f1(answer, gold) for gold in _golds(question))


def _containment(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(_contains_answer(question, shown(response)))


def _choice(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(_chooses_right(question, shown(response)))


def _choice_precision(question: GoldQuestion, response: Response, measure: Measure) -> float | None:
    chosen = _chosen(question, shown(response))
    return None if chosen is None else float(chosen in _right_choices(question))


CORRECT = Family(
    base="Correct",
    title="right answers and right abstentions",
    group="answer",
    formula="answerable: 1 if the answer is right, else 0; unanswerable: 1 if abstained, else 0",
    source="ragqa; abstentions count as in SQuAD 2.0 (Rajpurkar, Jia & Liang, ACL 2018)",
    description="The share of as-is questions on which the system did the right thing; the one "
    "measure of answers in which a right abstention is paid. What is right follows from the "
    "strictest gold that a question has. With gold evidence: a citation of the answer overlaps "
    "it. With choices: the right one is chosen, as in ChoiceAccuracy. With relevant papers, where "
    "the question is asked of other papers too: a citation is from a relevant paper. With "
    "answers: one of them is contained, as in Containment. A question with none of these is left "
    "out, unless it is unanswerable. With evidence or papers it says that the right place is "
    "cited, not that the words above the citation are true; and an answer that cites everything "
    "is right by it, which is why CitationP and FalseAnswerRate belong beside it.",
    needs="statements",
    judges=can_judge,
    values=each(_correct),
)
"""The measure that citation measures are never shown without."""

ANSWERS = (
    CORRECT,
    Family(
        base="AnswerHit",
        title="an answer that rests on gold evidence",
        group="answer",
        formula="1 if a citation of one of the first n statements overlaps gold evidence, else 0",
        source="ragqa; success at n over the statements of an answer",
        description="The share of questions for which a reader of the first n statements is led "
        "to gold evidence of some annotator. Statements are taken in the order shown, so long "
        "answers gain nothing by their length; a statement with many citations does. " + _LEFT_OUT,
        needs="statements",
        cutoffs="needed",
        example=3,
        judges=has_evidence,
        values=each(_answer_hit),
    ),
    Family(
        base="TokenF1",
        title="words shared with a right answer",
        group="answer",
        formula="max over answers of 2 PR / (P + R) over words, SQuAD normalisation",
        source="SQuAD (Rajpurkar et al., EMNLP 2016)",
        description="The overlap in words of the whole answer with the right answer that suits it "
        "best: lower case, without punctuation and English articles. A quoted sentence is far "
        "longer than 'twelve weeks', so the precision of an extractive answer, and with it this "
        "measure, is low by construction: compare systems that answer at like length, and read "
        "Containment beside it. It knows no synonyms and no negation. " + _LEFT_OUT,
        needs="statements",
        judges=_has_answers,
        values=each(_token_f1),
    ),
    Family(
        base="Containment",
        title="a right answer stands in the answer",
        group="answer",
        formula="1 if the words of a right answer follow one another in the answer, else 0",
        source="exact match by substring (Asai et al., Self-RAG, ICLR 2024; ALCE's STR-EM), on "
        "whole words under SQuAD's normalisation",
        description="The share of questions whose answer holds a right answer word for word. It "
        "is fair to long answers and favours them: whoever copies whole papers contains "
        "everything. Yes, no, maybe, true and false are never looked for, since 'no' stands in "
        "almost any text; where a question has no other answer it is left out. It knows no "
        "synonyms, so long or free-worded right answers are almost never contained. " + _LEFT_OUT,
        needs="statements",
        judges=_has_findable_answers,
        values=each(_containment),
    ),
    Family(
        base="ChoiceAccuracy",
        title="multiple choice: right among all",
        group="answer",
        formula="1 if the option with the largest share of its words in the answer is right, "
        "else 0",
        source="accuracy of LitQA2 (Skarlinski et al., 2024; Laurent et al., LAB-Bench, 2024), "
        "option read from the answer's words",
        description="The share of multiple-choice questions answered with the right option. "
        "Options are never shown to a system, so the one that it means is read from its answer: "
        "the option with the largest share of its words there. A tie, or an answer with no word "
        "of any option, means none and counts 0. Short options are found by chance in long "
        "answers, and an option that is denied counts as chosen: a rough measure. Questions whose "
        "right answer is not among the options are left out. " + _LEFT_OUT,
        needs="statements",
        judges=_has_choices,
        values=each(_choice),
    ),
    Family(
        base="ChoicePrecision",
        title="multiple choice: right among those chosen",
        group="answer",
        formula="right / questions for which some option was chosen",
        source="precision of LitQA2 (Skarlinski et al., 2024; Laurent et al., LAB-Bench, 2024)",
        description="As ChoiceAccuracy, but questions for which no option was chosen are left "
        "out: abstaining costs nothing here. A system can raise it by answering only what is "
        "easy, so it says something only beside ChoiceAccuracy.",
        needs="statements",
        judges=_has_choices,
        values=each(_choice_precision),
    ),
)
"""Correct, AnswerHit, TokenF1, Containment, ChoiceAccuracy, ChoicePrecision."""

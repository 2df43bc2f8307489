"""A question or a card's instructions -> a plan.

Each instruction becomes one section. Its kind is the one with most of its words in the
instruction, ties in the order below; without any, it is a plain question of its own:

* workflow: workflow, pipeline, input, output, architecture, data flow, "how the model works"
* papers: papers, tools, links, references, sources, literature, related work, GitHub, arXiv
* comparison: compare, differ, versus, better, trade-off, pros and cons, "which one"
* limitations: limitation, weakness, drawback, fail, caveat, risk, "go wrong", "not be used"
* task: task, goal, problem, intent, use case, "trying to", "wants to", "the user needs"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from ragqa.records import Paper, Plan, PlannedSection, SectionKind

__all__ = ["plan_by_paper", "plan_card", "plan_question", "section_kind"]

_WORDS: tuple[tuple[SectionKind, str], ...] = (
    (
        "workflow",
        r"\bwork-?flows?|\bpipelines?|\binputs?\b|\boutputs?\b|\barchitectures?"
        r"|\bhow\b.{0,30}\b(?:models?|methods?|systems?|approach(?:es)?|networks?)\b.{0,30}"
        r"\bworks?\b"
        r"|\bstep[- ]by[- ]step|\bprocess(?:ing)?\b|\b(?:data ?|flow) ?(?:flow|charts?|diagrams?)"
        r"|\bdata\b.{0,15}\bflows?\b|\b(?:take|go|put|fe[ed]d)s? in(?:to)?\b"
        r"|\b(?:give|come)s? (?:out|back)\b"
        r"|\b(?:steps|stages|phases) (?:of|in|that)\b|\bwalk (?:me |us )?through\b"
        r"|\bon its way through\b|\bunder the hood\b|\binternally\b",
    ),
    (
        "papers",
        r"\bpapers?\b|\btools?\b|\blink(?:s|ed)?\b|\breferences?\b|\bsources?\b|\bgithub|\barxiv"
        r"|\bliterature|\brepositor|\bcitations?\b|\bcite\b|\bbibliograph|\bpublications?\b"
        r"|\barticles?\b|\burls?\b|\bresources?\b|\bfurther reading|\bread (?:more|next)\b"
        r"|\brelated work|\bdatasets?\b",
    ),
    (
        "comparison",
        r"\bcompar|\bdiffer|\bsimilarit|\bversus\b|\bvs\b|\bbetter\b|\bbest\b|\btrade-?offs?"
        r"|\balternatives?\b|\bwhich (?:of|one|model|paper)|\bcontrast|\bpros and cons\b"
        r"|\badvantages? and (?:dis|draw)|\bstrengths? and weak|\brank\b|\bweigh\b|\bagainst each\b"
        r"|\bsuperior\b|\bsets? (?:\w+ )?apart\b|\bside by side\b|\bwins?\b",
    ),
    (
        "limitations",
        r"\blimit|\bweak(?:ness|\b)|\bdrawbacks?|\bfail|\bcaveats?|\brisks?\b|\bshortcoming"
        r"|\bcannot\b|\bgo(?:es)? wrong\b|\bbreaks?(?:-| )?downs?\b|\bknown issues?\b|\bpitfalls?"
        r"|\bconstraints?\b|\bconcerns?\b|\bopen (?:problem|question|challenge)s?|\bchallenges?\b"
        r"|\bnot (?:be used|to use|work|suitable)\b|\bstruggles?\b|(?<!and )\bdisadvantages?",
    ),
    (
        "task",
        r"\btasks?\b|\bgoals?\b|\bproblems?\b|\btrying to\b|\bwants? to\b|\bobjective"
        r"|\bintent|\buse[- ]case|\b(?:user|person)\b.{0,10}\bneeds?\b|\baims? to\b|\baccomplish"
        r"|\b(?:user|person)\b.{0,10}\bafter\b|\bbeing asked\b"
        r"|\bpurpose of\b.{0,15}\b(?:request|question)",
    ),
)
_MAX_QUERY_CHARS = 1_000  # characters of a question that are searched: beyond, words only dilute


@cache  # only a card's sections have kinds
def _kinds() -> tuple[tuple[SectionKind, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _WORDS)


def section_kind(instruction: str) -> SectionKind:
    """Say what kind of section an instruction asks for.

    :param instruction: One numbered instruction of a card.
    :return: Its kind; ``answer`` where none is named.
    """
    counts = [(len(set(pattern.findall(instruction))), kind) for kind, pattern in _kinds()]
    best, kind = max(counts, key=lambda pair: pair[0])
    return kind if best else "answer"


def plan_question(question: str, *, paper_ids: Sequence[str] = ()) -> Plan:
    """Plan one section that answers a question.

    :param question: The user's question.
    :param paper_ids: Papers it is restricted to; empty for all.
    :return: The plan.
    """
    section = PlannedSection(
        title="Answer",
        kind="answer",
        queries=(question[:_MAX_QUERY_CHARS],),
        paper_ids=tuple(paper_ids),
    )
    return Plan(question=question, sections=(section,))


def plan_by_paper(question: str, papers: Sequence[Paper]) -> Plan:
    """Plan a section for each paper, in which it alone answers.

    :param question: The user's question.
    :param papers: The papers that are asked; at least one.
    :return: The plan; its sections have the papers' titles.
    """
    sections = tuple(
        PlannedSection(
            title=paper.title,
            kind="answer",
            queries=(question[:_MAX_QUERY_CHARS],),
            paper_ids=(paper.paper_id,),
        )
        for paper in papers
    )
    return Plan(question=question, sections=sections, by_paper=True)


def plan_card(question: str, instructions: Sequence[str], papers: Sequence[Paper]) -> Plan:
    """Plan a section for each of a card's instructions.

    :param question: The card's question.
    :param instructions: Its numbered instructions; without any, one section answers the question.
    :param papers: The papers that the card lists.
    :return: The plan; every section is restricted to the card's papers.
    """
    paper_ids = tuple(paper.paper_id for paper in papers)
    if not instructions:
        return plan_question(question, paper_ids=paper_ids)
    sections = tuple(_section(question, text, papers) for text in instructions)
    return Plan(question=question, sections=sections)


def _section(question: str, instruction: str, papers: Sequence[Paper]) -> PlannedSection:
    kind = section_kind(instruction)
    models = tuple(p.paper_id for p in papers if p.role == "model")
    everything = tuple(p.paper_id for p in papers)
    asked = question[:_MAX_QUERY_CHARS]
    queries = {
        "answer": (instruction[:_MAX_QUERY_CHARS], asked),
        "task": (_with_task_names(asked),),
        "papers": (_with_task_names(asked),),
        "comparison": (asked, instruction[:_MAX_QUERY_CHARS]),
        "limitations": (f"limitations and failure cases of the method. {instruction}",),
        "workflow": (asked,),
    }[kind]
    return PlannedSection(
        title=instruction.rstrip(". "),
        kind=kind,
        queries=queries,
        paper_ids=models if kind == "workflow" and models else everything,
    )


def _with_task_names(question: str) -> str:
    """Add the field's names of the task that a question describes in everyday words."""
    from ragqa.plan.tasks import tasks_in

    names = [name for task in tasks_in(question, lay=True) for name in task.search]
    return " ".join([question, *names])

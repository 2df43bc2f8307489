"""A question or a card's instructions -> a plan.

Each instruction becomes one section. Its kind is the one with most of its words in the
instruction, ties in the order below; without any, it is a plain question of its own:

* workflow: workflow, pipeline, input, output, architecture, "how the model works"
* papers: papers, tools, links, references, sources, GitHub, arXiv
* comparison: compare, difference, versus, better, trade-off
* limitations: limitation, weakness, drawback, fail, caveat, risk
* task: task, goal, problem, "trying to", "wants to"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragqa.plan.tasks import tasks_in
from ragqa.records import Paper, Plan, PlannedSection, SectionKind

__all__ = ["plan_card", "plan_question", "section_kind"]

_WORDS: tuple[tuple[SectionKind, str], ...] = (
    (
        "workflow",
        r"\bwork-?flows?|\bpipelines?|\binputs?\b|\boutputs?\b|\barchitectures?"
        r"|\bhow\b.{0,30}\bmodels?\b.{0,30}\bworks?\b|\bstep[- ]by[- ]step|\bprocess\b",
    ),
    (
        "papers",
        r"\bpapers?\b|\btools?\b|\blinks?\b|\breferences?\b|\bsources?\b|\bgithub|\barxiv"
        r"|\bliterature|\brepositor|\bcitations?\b|\bbibliograph",
    ),
    (
        "comparison",
        r"\bcompar|\bdifferen|\bversus\b|\bvs\b|\bbetter\b|\btrade-?offs?|\balternatives?\b"
        r"|\bwhich (?:of|model|paper)",
    ),
    (
        "limitations",
        r"\blimit|\bweakness|\bdrawbacks?|\bfail|\bcaveats?|\brisks?\b|\bshortcoming|\bcannot\b",
    ),
    (
        "task",
        r"\btasks?\b|\bgoals?\b|\bproblems?\b|\btrying to\b|\bwants? to\b|\bobjective",
    ),
)
_KINDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _WORDS)
_MAX_QUERY_CHARS = 1_000  # characters of a question that are searched: beyond, words only dilute


def section_kind(instruction: str) -> SectionKind:
    """Say what kind of section an instruction asks for.

    :param instruction: One numbered instruction of a card.
    :return: Its kind; ``answer`` where none is named.
    """
    counts = [(len(set(pattern.findall(instruction))), kind) for kind, pattern in _KINDS]
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
    names = [name for task in tasks_in(question, lay=True) for name in task.search]
    return " ".join([question, *names])

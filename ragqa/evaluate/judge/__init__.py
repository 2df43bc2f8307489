"""An optional second opinion on answers: verdicts of a language model, every one of them kept.

In: a dataset, a run's rows, any LangChain chat model or ``PROVIDER:NAME``. Out: a `Verdict` for
each as-is row of an answerable question whose right answer or evidence is known.

A language model's verdicts differ from model to model and from day to day, so they stand beside
the measures and are never one of them: nothing of ragqa asks for them unless told to.
Invariants: what papers, questions and answers say is sent as data, between fences that occur in
none of them; a verdict is kept with the model's name, the prompt's version and its raw reply; a
reply that cannot be read, and a model that fails, are verdicts too and are counted; keys come from
the environment alone and are in nothing that is kept or shown.
"""

from __future__ import annotations

from ragqa.evaluate.judge.asking import judge_rows, open_model
from ragqa.evaluate.judge.prompt import PROMPT_VERSION, SYSTEM_PROMPT, TASK_PROMPT, judgeable
from ragqa.evaluate.judge.verdicts import (
    JudgeSummary,
    Mark,
    Verdict,
    read_verdicts,
    summarise,
    verdict_from_dict,
    verdict_to_dict,
)

__all__ = [
    "PROMPT_VERSION",
    "SYSTEM_PROMPT",
    "TASK_PROMPT",
    "JudgeSummary",
    "Mark",
    "Verdict",
    "judge_rows",
    "judgeable",
    "open_model",
    "read_verdicts",
    "summarise",
    "verdict_from_dict",
    "verdict_to_dict",
]

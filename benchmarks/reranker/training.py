"""Groups -> a trained cross-encoder, and its scores.

In: groups of windows. Out: a ``BertForSequenceClassification``, scores. Invariants: the word
embeddings stay those of the packaged embedder, so that they need not be packed; the same seed
gives the same batches.

The loss of a question is that of choosing its positive among its windows (softmax over them) and,
so that scores mean the same for every question, half the binary cross-entropy of each window.
Freezing the first three layers, too, would have cost half the time; it gave nothing (docs/LOG.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import torch
from reranker.pairs import Group
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ragqa.embed.source import packaged_folder

__all__ = ["WINDOW", "new_model", "scores_of", "train"]

WINDOW = 136  # tokens of a pair: three sentences and a question; 4 % are cut
_NEGATIVES = 5  # windows a question and step
_REACH = 8.0  # ranks over which the chance of a negative to be taken falls by e
_QUESTIONS_A_STEP = 5
_BUCKET = 12  # steps whose questions are sorted by length, so that little is padding
_WARM_UP = 0.1  # of all steps
_LABEL_WEIGHT = 0.5  # of the binary cross-entropy
_POSITIVE_WEIGHT = 3.0  # one positive stands against five negatives
_REPORT = 25  # steps

Say = Callable[[str], None]

_Taken = tuple[str, list[str], list[str]]
"""A question, its positive window if it has one, and negatives."""


@cache
def _tokenizer() -> AutoTokenizer:
    return AutoTokenizer.from_pretrained(str(packaged_folder()))


def new_model() -> torch.nn.Module:
    """Return the packaged embedder with a new head of one output; its embeddings are frozen."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(str(packaged_folder()), num_labels=1)
    model.bert.embeddings.requires_grad_(False)
    return model


def train(
    model: torch.nn.Module,
    groups: Sequence[Group],
    *,
    epochs: int,
    rate: float,
    say: Say,
    negatives: int = _NEGATIVES,
) -> torch.nn.Module:
    """Train a model on groups; the model itself is changed."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    steps = epochs * math.ceil(len(groups) / _QUESTIONS_A_STEP)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _rate(done, steps))
    model.train()
    total, done = 0.0, 0
    for _ in range(epochs):
        for batch in _batches(groups, negatives, rng):
            loss = _loss(model, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            total, done = total + float(loss.detach()), done + 1
            if done % _REPORT == 0:
                say(f"step {done} of {steps}, loss {total / _REPORT:.3f}")
                total = 0.0
    return model.eval()


def scores_of(
    model: torch.nn.Module, pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """Return the model's score of each pair."""
    ordered = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
    scores: dict[tuple[str, str], float] = {}
    with torch.no_grad():
        for low in range(0, len(ordered), 32):
            batch = ordered[low : low + 32]
            scores.update(zip(batch, _forward(model, batch).tolist(), strict=True))
    return scores


def _taken(group: Group, negatives: int, rng: np.random.Generator) -> _Taken:
    positives = [str(rng.choice(group.positives))] if group.positives else []
    pool = group.negatives
    chance = np.exp(-np.arange(len(pool)) / _REACH)
    count = min(negatives, len(pool))
    at = rng.choice(len(pool), count, replace=False, p=chance / chance.sum()) if count else []
    chosen = [pool[number] for number in at]
    if group.gone:  # one from where the gold papers were taken away: nothing there answers
        chosen[-1:] = [group.gone[int(rng.integers(len(group.gone)))].text]
    return group.question, positives, chosen


def _batches(
    groups: Sequence[Group], negatives: int, rng: np.random.Generator
) -> list[list[_Taken]]:
    taken = [_taken(groups[at], negatives, rng) for at in rng.permutation(len(groups))]
    taken = [one for one in taken if one[1] + one[2]]
    wide = _QUESTIONS_A_STEP * _BUCKET
    buckets = [sorted(taken[low : low + wide], key=_longest) for low in range(0, len(taken), wide)]
    batches = [
        bucket[low : low + _QUESTIONS_A_STEP]
        for bucket in buckets
        for low in range(0, len(bucket), _QUESTIONS_A_STEP)
    ]
    return [batches[at] for at in rng.permutation(len(batches))]


def _longest(taken: _Taken) -> int:
    question, positives, negatives = taken
    return len(question) + max(map(len, positives + negatives))


def _loss(model: torch.nn.Module, batch: Sequence[_Taken]) -> torch.Tensor:
    pairs = [(question, text) for question, yes, no in batch for text in yes + no]
    labels = [label for _, yes, no in batch for label in [1.0] * len(yes) + [0.0] * len(no)]
    out = _forward(model, pairs)
    choosing, low = torch.zeros(()), 0
    for _, yes, no in batch:
        high = low + len(yes) + len(no)
        if yes:
            choosing = choosing + torch.logsumexp(out[low:high], 0) - out[low]
        low = high
    weight = torch.tensor(_POSITIVE_WEIGHT)
    labelling = cross_entropy(out, torch.tensor(labels), pos_weight=weight)
    return choosing / len(batch) + _LABEL_WEIGHT * labelling


def _forward(model: torch.nn.Module, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
    encoded = _tokenizer()(
        [query for query, _ in pairs],
        [text for _, text in pairs],
        truncation=True,
        max_length=WINDOW,
        padding=True,
        return_tensors="pt",
    )
    return model(**encoded).logits[:, 0]


def _rate(done: int, steps: int) -> float:
    return min((done + 1) / (_WARM_UP * steps), max(0.0, (steps - done) / ((1 - _WARM_UP) * steps)))

"""How often retrieval finds the evidence, on the development sets.

covidqa and evidence-inference: a chunk with gold evidence among the first 1, 5 and 20, and a
gold-evidence sentence among the first three quotable ones, all papers in the index. scifact:
nDCG@10 of abstracts for the training claims. Run:

    python benchmarks/retrieval.py DATA_FOLDER WORK_FOLDER [SET ...]
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev_sets import Question, open_set, read_jsonl, read_questions

from ragqa.embed import Embedder, load_embedder
from ragqa.records import ScoredChunk, ScoredSentence
from ragqa.retrieve.hybrid import Retriever

DEPTHS = (1, 5, 20)
SETS = ("covidqa", "evidence-inference", "scifact")


def has_gold(question: Question, paper_id: str, start: int, end: int) -> bool:
    return any(paper_id == p and start < high and low < end for p, low, high in question.gold)


def evidence(folder: Path, work: Path, embedder: Embedder) -> str:
    retriever = Retriever(open_set(folder, work, embedder), embedder)
    questions = read_questions(folder)
    hits = dict.fromkeys((*DEPTHS, "sentence"), 0)
    for question in questions:
        found = retriever.retrieve(question.text, k=max(DEPTHS))
        gold = [_gold_chunk(question, scored) for scored in found.chunks]
        for depth in DEPTHS:
            hits[depth] += any(gold[:depth])
        best = sorted((s for s in found.sentences if s.sentence.quotable), key=lambda s: -s.score)
        hits["sentence"] += any(_gold_sentence(question, s) for s in best[:3])
    shares = {name: f"{count / len(questions):.3f}" for name, count in hits.items()}
    return f"{len(questions)} questions, gold among the first {shares}"


def _gold_chunk(question: Question, scored: ScoredChunk) -> bool:
    return has_gold(question, scored.chunk.paper_id, scored.chunk.start, scored.chunk.end)


def _gold_sentence(question: Question, scored: ScoredSentence) -> bool:
    sentence = scored.sentence
    return has_gold(question, scored.chunk.paper_id, sentence.start, sentence.end)


def abstracts(folder: Path, work: Path, embedder: Embedder) -> str:
    retriever = Retriever(open_set(folder, work, embedder), embedder)
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels/train.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, paper_id, grade = line.split("\t")
        relevant[query_id][paper_id] = int(grade)
    queries = [row for row in read_jsonl(folder / "queries.jsonl") if relevant.get(row["_id"])]
    total = 0.0
    for row in queries:
        chunks = retriever.retrieve(row["text"], k=40).chunks
        ranked = list(dict.fromkeys(scored.chunk.paper_id for scored in chunks))
        total += ndcg_at_10(ranked, relevant[row["_id"]])
    return f"{len(queries)} claims, nDCG@10 {total / len(queries):.3f}"


def ndcg_at_10(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """Järvelin and Kekäläinen 2002, with gain = grade."""
    ideal = sorted(grades.values(), reverse=True)[:10]
    best = sum(grade / math.log2(rank + 2) for rank, grade in enumerate(ideal))
    gains = (grades.get(paper_id, 0) for paper_id in ranked[:10])
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains)) / best


def main(data: Path, work: Path, names: Sequence[str]) -> None:
    embedder = load_embedder()
    for name in names or SETS:
        measure = abstracts if (data / name / "corpus.jsonl").exists() else evidence
        print(f"{name}: {measure(data / name, work, embedder)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])

"""Small deterministic stand-ins that keep the real protocols: classes, not mocks.

`HashedEmbedder` is an `ragqa.embed.Embedder` without any model: texts that share words are near
each other, texts that share none are not, and equal texts have equal vectors in every process.
`WordReranker` is a `ragqa.rerank.Reranker` that likes one word. `save_tiny_model` makes a real
sentence-transformers model of some thousand random weights, `save_tiny_cross_encoder` a reranker,
`save_babbler` a chat model.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ragqa.embed.base import (
    ChunkEmbeddings,
    FloatMatrix,
    Span,
    check_fits,
    check_spans,
    clean,
    flatten_spans,
    unit_rows,
)
from ragqa.rerank.base import Scores

__all__ = [
    "TINY_WINDOW",
    "HashedEmbedder",
    "WordReranker",
    "save_babbler",
    "save_tiny_cross_encoder",
    "save_tiny_model",
]

TINY_WINDOW = 48  # tokens that a tiny model sees

_TOKEN = re.compile(r"\w+|[^\w\s]")
_REST = 0.05  # weight of the component that all texts share, so that an empty text has a direction


class HashedEmbedder:
    """A bag of words, each hashed to a component and a sign.

    :param dim: Length of a vector; component 0 is shared by all texts.
    :param max_tokens: Longest chunk, in words and punctuation marks.
    """

    name = "hashed"
    rows = "float32"
    pooled_sentences = True

    def __init__(self, *, dim: int = 64, max_tokens: int = 254) -> None:
        self.dim = dim
        self.max_tokens = max_tokens
        self.fingerprint = f"hashed-{dim}-{max_tokens}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count words and punctuation marks."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries: ``(n, dim)`` float32 unit rows; the first `max_tokens` words count."""
        return self._embed(texts)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and their sentences; a sentence without a word is a row of zeros."""
        check_spans(texts, sentences)
        check_fits(texts, self.count_tokens(texts), limit=self.max_tokens)
        spans = flatten_spans(texts, sentences)
        rows = self._embed(spans)
        rows[np.array(self.count_tokens(spans), int) == 0] = 0
        return ChunkEmbeddings(chunks=self._embed(texts), sentences=rows)

    def _embed(self, texts: Sequence[str]) -> FloatMatrix:
        rows = np.zeros((len(texts), self.dim), np.float32)
        rows[:, 0] = _REST
        for row, text in zip(rows, texts, strict=True):
            for token in _TOKEN.findall(clean(text))[: self.max_tokens]:
                seed = int.from_bytes(blake2b(token.casefold().encode(), digest_size=8).digest())
                row[1 + (seed >> 1) % (self.dim - 1)] += 1 if seed & 1 else -1
        return unit_rows(rows)


class WordReranker:
    """Likes texts with one word, and beside that those that share words with the query.

    :param word: The word.
    :param window: How many words of query and text it reads.
    """

    name = "word"

    def __init__(self, word: str = "network", *, window: int = 48) -> None:
        self.word = word
        self.window = window
        self.fingerprint = f"word-{word}-{window}"
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts: 4 for the word, and the share of the text's words that the query has."""
        self.asked.append((query, tuple(texts)))
        asked = _words(query)[: self.window // 2]
        return np.array([self._score(asked, _words(text)) for text in texts], np.float32)

    def _score(self, asked: list[str], words: list[str]) -> float:
        seen = words[: self.window - len(asked)]
        common = sum(word in asked for word in seen)
        return 4.0 * (self.word in seen) + common / (1 + len(seen)) + 0.01 * len(seen)


def _words(text: str) -> list[str]:
    return [token.casefold() for token in _TOKEN.findall(clean(text))]


def save_tiny_model(
    folder: Path,
    *,
    pooling: str = "mean",
    dense: bool = False,
    prompts: dict[str, str] | None = None,
    seed: int = 0,
) -> Path:
    """Save a BERT of random weights in sentence-transformers layout; takes no download.

    :param folder: Where; made if needed.
    :param pooling: sentence-transformers' name of the pooling.
    :param dense: Whether a dense layer follows the pooling, which ragqa does not export.
    :param prompts: The model's prompts.
    :param seed: Other seeds give other weights.
    :return: The folder.
    """
    from ragqa.embed.reference import quiet

    with quiet():
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

        inner = _save_bert(folder.with_name(folder.name + "-bert"), seed=seed)
        layers = [Transformer(str(inner)), Pooling(32, pooling_mode=pooling)]
        layers += [Dense(32, 24)] if dense else []
        model = SentenceTransformer(
            modules=[*layers, Normalize()], device="cpu", prompts=prompts or {}
        )
        model.save(str(folder))
    return folder


def save_tiny_cross_encoder(
    folder: Path,
    *,
    labels: int = 1,
    types: bool = True,
    dense: bool = False,
    likes: str | None = None,
    seed: int = 0,
) -> Path:
    """Save a cross-encoder over a BERT of random weights; takes no download.

    :param folder: Where; made if needed.
    :param labels: How many scores it gives a pair.
    :param types: Whether its tokenizer tells the query's tokens from the text's.
    :param dense: Whether its head is a layer of its own, which ragqa does not export.
    :param likes: A word of its vocabulary: the more of a pair's tokens are this word, the better.
    :param seed: Other seeds give other weights.
    :return: The folder.
    """
    from ragqa.embed.reference import quiet

    with quiet():
        from sentence_transformers import CrossEncoder
        from sentence_transformers.models import Dense, Pooling, Transformer

        inner = folder.with_name(folder.name + "-bert")
        _save_bert(inner, seed=seed, labels=None if dense else labels, types=types)
        if dense:
            head = Dense(32, labels, module_output_name="scores")
            layers = [Transformer(str(inner)), Pooling(32, pooling_mode="cls"), head]
            model = CrossEncoder(modules=layers, device="cpu")
        else:
            model = CrossEncoder(str(inner), device="cpu", local_files_only=True)
            if likes is not None:
                _make_like(model.model, model.tokenizer.convert_tokens_to_ids(likes))
        model.save_pretrained(str(folder))
    return folder


def save_babbler(folder: Path) -> Path:
    """Save a GPT-2 of random weights, some thousand, with one token a letter; it babbles.

    :param folder: Where; made if needed.
    :return: The folder.
    """
    from ragqa.embed.reference import quiet

    with quiet():
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        vocabulary = {letter: number for number, letter in enumerate(["<end>", *letters])}
        tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>"
        )
        fast.chat_template = (
            "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
        )
        fast.save_pretrained(folder)
        torch.manual_seed(3)
        config = GPT2Config(
            vocab_size=len(vocabulary), n_positions=4096, n_embd=16, n_layer=1, n_head=2,
            bos_token_id=0, eos_token_id=0, initializer_range=1.0,
        )  # fmt: skip
        GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def _save_bert(folder: Path, *, seed: int, labels: int | None = None, types: bool = True) -> Path:
    """Save a BERT of random weights and its tokenizer; with labels, one that scores pairs."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    pieces += [f"##{letter}" for letter in letters] + ["the", "network", "##ing", "image"]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    inputs = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    BertTokenizerFast(
        str(folder / "vocab.txt"), model_max_length=TINY_WINDOW, model_input_names=inputs
    ).save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = BertConfig(
        vocab_size=len(pieces),
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.5,  # far apart, so that a wrong vector shows
        **sizes,
        **({} if labels is None else {"num_labels": labels}),
    )
    model = BertModel if labels is None else BertForSequenceClassification
    model(config).save_pretrained(folder)
    return folder


def _make_like(model: Any, token: int) -> None:
    """Set a model's weights so that its score grows with the share of one token in a pair.

    The first layer looks at all tokens alike and adds their mean to the first token's state; the
    token's embedding is far from all others; the rest passes on what it gets.
    """
    import torch

    size = model.config.hidden_size
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "embeddings" in name or "LayerNorm" in name:
                continue
            weights.zero_()
            if name.endswith(("value.weight", "attention.output.dense.weight")):
                weights.copy_(torch.eye(size) * (3 if "layer.0" in name else 0))
            elif name.endswith("pooler.dense.weight"):
                weights.copy_(torch.eye(size) * 0.3)
        words = model.bert.embeddings.word_embeddings.weight
        words.mul_(0.1)
        words[token] = torch.nn.functional.one_hot(torch.tensor(size - 1), size) * 20.0
        model.classifier.weight[0, size - 1] = 5.0

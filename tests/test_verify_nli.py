"""`ragqa.verify.nli`: a real cross-encoder of random weights, made here."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from ragqa.errors import ModelError
from ragqa.verify.nli import CrossEncoderNLI

LABELS = {0: "contradiction", 1: "entailment", 2: "neutral"}


def save_cross_encoder(folder: Path, labels: dict[int, str]) -> Path:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
    pieces += [f"##{letter}" for letter in string.ascii_lowercase]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64, initializer_range=1.0,
        id2label=labels, label2id={label: number for number, label in labels.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_a_probability_of_the_entailment_label(tmp_path: Path) -> None:
    nli = CrossEncoderNLI(str(save_cross_encoder(tmp_path / "model", LABELS)))
    first = nli.entails("the drug reduced pain", "pain was reduced")
    other = nli.entails("the drug reduced pain", "a cat sat on the mat")
    assert 0 <= first <= 1
    assert first != other
    assert nli.entails("the drug reduced pain", "pain was reduced") == first


@pytest.mark.slow
def test_a_model_without_the_label(tmp_path: Path) -> None:
    folder = save_cross_encoder(tmp_path / "model", {0: "spam", 1: "ham"})
    with pytest.raises(ModelError, match="no label for entailment"):
        CrossEncoderNLI(str(folder))


@pytest.mark.slow
def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        CrossEncoderNLI(str(tmp_path / "nothing"))

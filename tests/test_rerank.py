"""Names, cutting, packing, exporting and opening rerankers; and what one does to an answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corpora import Text, assert_grounded, build, make_corpus
from doubles import TINY_WINDOW, HashedEmbedder, save_tiny_cross_encoder, save_tiny_model
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from ragqa.api import Reader
from ragqa.embed.cache import ENV_CACHE, GRAPH_FILE, Entry
from ragqa.embed.source import PACKAGED_SHA256, packaged_folder
from ragqa.errors import RerankerError
from ragqa.rerank import load_reranker, reranker_named
from ragqa.rerank.model import OnnxReranker, PairRecipe
from ragqa.rerank.packing import dequantised, pack, quantised, read_packed
from ragqa.rerank.pairs import PairEncoder
from ragqa.rerank.source import resolve
from ragqa.retrieve.hybrid import RetrieveOptions

REPOSITORY = Path(__file__).resolve().parent.parent
QUESTION = "the network?"
TEXTS = ["image", "the network", "a b c", "image (a) of the network, networking"]

# Names


def test_none_is_no_reranker() -> None:
    assert reranker_named(None) is None
    assert reranker_named("none") is None


def test_the_packaged_reranker_needs_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.rerank.source.PACKED_FILE", tmp_path / "absent")
    with pytest.raises(RerankerError, match="not in this build.*minilm"):
        load_reranker("minilm")


def test_the_packaged_key_follows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    monkeypatch.setattr("ragqa.rerank.source.PACKED_FILE", path)
    keys = []
    for content in (b"a", b"b", b"a"):
        path.write_bytes(content)
        keys.append(resolve("minilm").key)
    assert keys[0] == keys[2] != keys[1]


def test_a_changed_folder_gets_another_key_and_none_of_an_embedder(tmp_path: Path) -> None:
    from ragqa.embed import source

    for name in ("config.json", "modules.json"):
        (tmp_path / name).write_text("[]", encoding="utf-8")
    before = resolve(str(tmp_path)).key
    assert resolve(str(tmp_path)).key == before != source.resolve(str(tmp_path)).key
    os.utime(tmp_path / "config.json", ns=(1, 1))
    assert resolve(str(tmp_path)).key != before


def test_names_on_the_hub_are_not_looked_up_yet() -> None:
    found = resolve("cross-encoder/ms-marco-MiniLM-L6-v2")
    assert found.location == found.name == "cross-encoder/ms-marco-MiniLM-L6-v2"


@pytest.mark.parametrize(
    ("name", "message"),
    [("./absent", "no such model folder"), ("", "no such model folder"), (".", "config.json")],
)
def test_folders_that_hold_no_model_are_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RerankerError, match=message):
        load_reranker(name)


def test_an_unreadable_export_is_an_error(tmp_path: Path) -> None:
    recipe = PairRecipe(fingerprint="f" * 64, window=16, has_types=True)
    for name, message in (("tokenizer.json", "tokenizer cannot be read"), (GRAPH_FILE, "refuses")):
        with pytest.raises(RerankerError, match=message):
            OnnxReranker("x", Entry(folder=tmp_path, recipe=recipe))
        shutil.copy(packaged_folder() / "tokenizer.json", tmp_path)
        (tmp_path / GRAPH_FILE).write_bytes(b"no graph")
        assert name


# Pairs


def _tokenizer() -> Tokenizer:
    words = ["[CLS]", "[SEP]", "[UNK]", "a", "b", "c", "d"]
    vocab = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
    )
    return tokenizer


_SAID = st.lists(st.sampled_from(["a", "b", "c", "d", "zebra", "\ud800"]), max_size=20).map(
    " ".join
)


@given(_SAID, st.lists(_SAID, max_size=4), st.integers(6, 30))
def test_pairs_fit_and_only_what_must_be_is_cut(query: str, texts: list[str], window: int) -> None:
    tokenizer = _tokenizer()
    encoder = PairEncoder(tokenizer, window)
    room = window - 3
    asked = len(query.split())
    kept = min(asked, room // 2)
    encodings = encoder.encode(query, texts)
    assert len(encodings) == len(texts)
    for encoding, text in zip(encodings, texts, strict=True):
        assert len(encoding) == 3 + kept + min(len(text.split()), room - kept)
        assert encoding.type_ids.count(0) == kept + 2
        if len(encoding) == 3 + asked + len(text.split()):
            plain = [each.replace("\ud800", "\ufffd") for each in (query, text)]
            whole = tokenizer.encode(*plain)
            assert (encoding.ids, encoding.type_ids) == (whole.ids, whole.type_ids)
    assert len(encoder.cut_query(query).split()) == kept


# Packing


@given(arrays(np.float32, (3, 5), elements=st.floats(-9, 9, width=32, allow_subnormal=False)))
def test_integers_cost_half_a_step(rows: np.ndarray) -> None:
    integers, scales = quantised(rows)
    assert (integers.dtype, scales.dtype, scales.shape) == (np.int8, np.float32, (3,))
    error = np.abs(dequantised(integers, scales) - rows)
    assert (error <= scales[:, None] * 0.5001 + 1e-12).all()
    assert (np.abs(rows).max(axis=1) > 0).tolist() == (np.abs(integers).max(axis=1) > 0).tolist()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"format": "0", "base": PACKAGED_SHA256, "window": "9"}, "another format"),
        ({"format": "1", "base": "other", "window": "9"}, "other weights"),
        ({"format": "1", "base": PACKAGED_SHA256}, "window"),
        (None, "another format"),
    ],
)
def test_a_packed_file_of_another_kind_is_refused(
    tmp_path: Path, facts: dict[str, str] | None, message: str
) -> None:
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "x", metadata=facts)
    with pytest.raises(RerankerError, match=message):
        read_packed(tmp_path / "x")


def test_a_damaged_packed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    facts = {"format": "1", "base": PACKAGED_SHA256, "window": "9"}
    save_file({"x": np.zeros(30, np.float32)}, path, metadata=facts)
    assert read_packed(path).window == 9
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RerankerError, match="cannot be read"):
        read_packed(path)


def _trained() -> object:
    """The packaged embedder with a head, its layers and the head moved at random."""
    from ragqa.embed.reference import quiet

    with quiet():
        import torch
        from transformers import BertForSequenceClassification

        torch.manual_seed(0)
        model = BertForSequenceClassification.from_pretrained(
            packaged_folder(), num_labels=1, attn_implementation="eager"
        ).eval()
        moved = ("layer.", "pooler")
        with torch.no_grad():
            for name, weights in model.named_parameters():
                if any(part in name for part in moved):
                    weights.add_(torch.randn_like(weights) * 0.2 * weights.std(correction=0))
            model.classifier.weight.normal_(0, 0.5)
            model.classifier.bias.fill_(0.25)
    return model


@pytest.mark.slow
@pytest.mark.model
def test_what_was_packed_scores_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import AutoTokenizer

    model, path = _trained(), tmp_path / "packed.safetensors"
    pack(model, path, window=40)
    assert path.stat().st_size < 12e6
    monkeypatch.setattr("ragqa.rerank.source.PACKED_FILE", path)
    said: list[str] = []
    reranker = load_reranker("minilm", cache=tmp_path, on_progress=said.append)
    assert "preparing the reranker minilm" in said[0]
    query = "Which receptor does the virus bind?"
    texts = ["It binds ACE2.", "Median age was 49.0 years.", "word " * 99, "Edges stay sharp."]
    tokenizer = AutoTokenizer.from_pretrained(packaged_folder())
    options = {"truncation": "only_second", "max_length": 40, "return_tensors": "pt"}
    with torch.no_grad():
        before = [float(model(**tokenizer(query, t, **options)).logits) for t in texts]  # type: ignore[operator]
    spread = float(np.std(before))
    error = np.abs(reranker.score(query, texts) - before)
    assert spread > 0.02
    assert 0 < error.max() < 0.1 * spread
    packed = read_packed(path).weights
    state = model.state_dict()  # type: ignore[attr-defined]
    for name in (
        "classifier.weight",
        "bert.pooler.dense.weight",
        "bert.encoder.layer.4.output.LayerNorm.bias",
    ):
        assert np.array_equal(packed[name], state[name].numpy())
    assert not any("embeddings" in name for name in packed)


@pytest.mark.slow
@pytest.mark.model
def test_a_model_with_other_embeddings_is_not_packed(tmp_path: Path) -> None:
    import torch

    model = _trained()
    with torch.no_grad():
        model.bert.embeddings.LayerNorm.bias[0] += 1  # type: ignore[attr-defined]
    with pytest.raises(RerankerError, match=r"embeddings\.LayerNorm\.bias"):
        pack(model, tmp_path / "x", window=40)
    assert not (tmp_path / "x").exists()


# Exporting, on tiny models of random weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_cross_encoder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def exported(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A cache that holds the tiny model, and what was said while it was exported."""
    cache, said = tmp_path_factory.mktemp("cache"), []
    load_reranker(str(tiny), cache=cache, on_progress=said.append)
    return cache, said


@pytest.mark.slow
def test_an_export_scores_as_the_model_does(tiny: Path, exported: tuple[Path, list[str]]) -> None:
    from ragqa.embed.reference import quiet

    cache, said = exported
    assert [line.split(":")[0] for line in said[1:]] == ["load", "export", "check", "save"]
    reranker = load_reranker(str(tiny), cache=cache, on_progress=pytest.fail)
    with quiet():
        import torch
        from sentence_transformers import CrossEncoder

        expected = CrossEncoder(str(tiny), device="cpu").predict(
            [(QUESTION, text) for text in TEXTS], activation_fn=torch.nn.Identity()
        )
    assert np.abs(reranker.score(QUESTION, TEXTS) - expected).max() < 1e-3
    assert np.ptp(expected) > 0.1


@pytest.mark.slow
def test_opening_an_export_needs_no_torch(tiny: Path, exported: tuple[Path, list[str]]) -> None:
    code = f"""
import sys
from ragqa.rerank import load_reranker
said = []
reranker = load_reranker({str(tiny)!r}, on_progress=said.append)
heavy = {{"torch", "transformers", "sentence_transformers", "onnx", "safetensors"}}
print(said, reranker.score("the?", ["image"]).shape, sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, encoding="utf-8", check=True, cwd=REPOSITORY,
        env={**os.environ, ENV_CACHE: str(exported[0])},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[] (1,) []\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("save", "message"),
    [
        (lambda folder: save_tiny_cross_encoder(folder, labels=3), "a pair 3 scores"),
        (lambda folder: save_tiny_cross_encoder(folder, labels=2, dense=True), "a pair 2 scores"),
        (save_tiny_model, "BertModel and has no head"),
    ],
)
def test_models_that_give_no_single_score_are_refused(
    tmp_path: Path, save: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(RerankerError, match=message):
        load_reranker(str(save(tmp_path / "m")), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.onnx"))


@pytest.mark.slow
def test_an_export_that_differs_from_its_model_is_not_kept(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.rerank.export.window", lambda model: TINY_WINDOW - 20)
    monkeypatch.setattr("ragqa.rerank.export.PairEncoder.cut_query", lambda self, query: query)
    with pytest.raises(RerankerError, match="differs from the original"):
        load_reranker(str(tiny), cache=tmp_path)
    assert not list(tmp_path.rglob("*.onnx"))


@pytest.mark.slow
def test_a_model_that_torch_cannot_export_runs_as_it_is(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: tuple[Path, list[str]]
) -> None:
    import torch

    def refuse(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("no such operator\nand so on")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    said: list[str] = []
    reranker = load_reranker(str(tiny), cache=tmp_path, on_progress=said.append)
    assert (
        "run by sentence-transformers, since torch cannot export it (no such operator" in said[-1]
    )
    other = load_reranker(str(tiny), cache=exported[0])
    assert np.abs(reranker.score(QUESTION, TEXTS) - other.score(QUESTION, TEXTS)).max() < 1e-3
    assert reranker.fingerprint != other.fingerprint


@pytest.mark.slow
@pytest.mark.usefixtures("no_hub")
def test_a_hub_model_that_is_not_here_is_an_error_when_offline(tmp_path: Path) -> None:
    with pytest.raises(RerankerError, match="hub cannot be reached.*minilm"):
        load_reranker("ragqa-tests/no-such-model", cache=tmp_path)


# From a model's folder to an answer


@pytest.mark.slow
def test_a_reranker_that_likes_a_word_changes_the_order_and_no_quote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_CACHE, str(tmp_path / "cache"))
    model = save_tiny_cross_encoder(tmp_path / "model", likes="network")
    texts = {
        "near": Text(summary="Whales sing at low frequencies all night. Their songs travel far."),
        "far": Text(summary="A network network hears whales. The network counts what they sing."),
        "other": Text(
            summary="Tomatoes ripen in winter. They are watered at night, as whales are."
        ),
    }
    index = tmp_path / "i"
    build(make_corpus(tmp_path / "c", texts), index)
    question = "Do whales sing at low frequencies all night?"
    ranked, answers = {}, {}
    for name in ("none", str(model)):
        reader = Reader.open(
            index,
            embedder=HashedEmbedder(),
            min_confidence=0.0,
            retrieval=RetrieveOptions(reranker_weight=3.0),
            reranker=name,
        )
        ranked[name] = [found.chunk.paper_id for found in reader.retrieve(question)]
        answers[name] = reader.ask(question)
        assert_grounded(answers[name], index)
        reader.close()
    assert ranked["none"][0] == "near"
    assert ranked[str(model)][0] == "far"
    assert sorted(ranked["none"]) == sorted(ranked[str(model)])
    best = [answer.sections[0].statements[0].citations[0] for answer in answers.values()]
    assert best[0].paper_id == "near"
    assert best[1].paper_id == "far"
    assert "network" in best[1].quote

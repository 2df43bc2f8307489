"""Where chunks are embedded, and the path of a GPU, run on the CPU in the arithmetic of GPUs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import caller
from corpora import STANDARD, make_corpus
from doubles import TINY_WINDOW, HashedEmbedder, save_tiny_model
from hypothesis import given
from hypothesis import strategies as st

from ragqa.embed import Embedder, bfloat16, load_embedder
from ragqa.embed import device as devices
from ragqa.embed.base import ChunkEmbeddings, clean
from ragqa.embed.cache import Entry, Recipe, cache_roots, find_entry
from ragqa.embed.device import ENV_DEVICE, choose_device, gpu_in_sight, missed_speed
from ragqa.embed.gpu import GPU_PRECISION, open_rows
from ragqa.embed.lowered import LEAST_COSINE, LoweredEmbedder, least_cosine
from ragqa.embed.pooling import padded_batches
from ragqa.embed.source import resolve
from ragqa.embed.torch_rows import TorchRows, ahead
from ragqa.errors import EmbedderError

REPOSITORY = Path(__file__).resolve().parent.parent
PROMPTS = {"query": "query: ", "passage": "passage: "}
TEXTS = [
    "The network restores the image.",
    "Short.",
    "",
    "It was trained on 40 pairs; see the table.",
    "\ud800 lone 🧪 naïve",
    *(f"image {'x ' * (number % 9)}of the network" for number in range(20)),
]
SPANS = [[(0, len(text) // 2), (len(text) // 2, len(text))] if text else [] for text in TEXTS]


# Which device


@pytest.fixture
def plain_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that could use a GPU, and an environment that says nothing."""
    monkeypatch.setattr(devices.importlib.metadata, "version", lambda _: "2.99.0")
    monkeypatch.setattr(devices.sys, "platform", "linux")
    for name in ("CUDA_VISIBLE_DEVICES", ENV_DEVICE):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("plain_torch")
@pytest.mark.parametrize("node", ["nvidia0", "nvidia7", "dxg", "kfd"])
def test_a_driver_is_seen_by_its_files(tmp_path: Path, node: str) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()  # there without any card, too
    assert not gpu_in_sight(tmp_path)
    (tmp_path / "dev" / node).touch()
    assert gpu_in_sight(tmp_path)


@pytest.mark.usefixtures("plain_torch")
@pytest.mark.parametrize(("visible", "seen"), [("", False), ("-1", False), ("0", True)])
def test_hidden_cards_are_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, seen: bool
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_in_sight(tmp_path) == seen


@pytest.mark.usefixtures("plain_torch")
def test_a_torch_for_the_cpu_sees_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    monkeypatch.setattr(devices.importlib.metadata, "version", lambda _: "2.99.0+cpu")
    assert not gpu_in_sight(tmp_path)


@pytest.mark.usefixtures("plain_torch")
def test_windows_has_its_driver_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.sys, "platform", "win32")
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    assert not gpu_in_sight()
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32/nvcuda.dll").touch()
    assert gpu_in_sight()


@pytest.mark.usefixtures("plain_torch")
@pytest.mark.parametrize(
    ("wanted", "environment", "sight", "problem", "chosen"),
    [
        ("cpu-bfloat16", None, True, None, "cpu-bfloat16"),
        (None, None, False, None, "cpu"),
        (None, None, True, None, "cuda"),
        ("auto", None, True, "no driver", "cpu"),
        ("cpu", None, True, None, "cpu"),
        (None, "cpu", True, None, "cpu"),
        ("auto", "cpu", True, None, "cuda"),
        ("cuda", "cpu", False, None, "cuda"),
        (None, "cuda", False, None, "cuda"),
    ],
)
def test_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
    wanted: str | None,
    environment: str | None,
    sight: bool,
    problem: str | None,
    chosen: str,
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(devices, "gpu_in_sight", lambda: sight)
    monkeypatch.setattr(devices, "_unusable", lambda: asked.append(True) or problem)
    if environment is not None:
        monkeypatch.setenv(ENV_DEVICE, environment)
    monkeypatch.setattr(bfloat16, "is_installed", lambda: True)
    monkeypatch.setattr(bfloat16, "has_bfloat16", lambda: wanted == "cpu-bfloat16")
    assert choose_device(wanted) == chosen
    assert bool(asked) == (chosen == "cuda" or problem is not None)


@pytest.mark.usefixtures("plain_torch")
@pytest.mark.parametrize("said", ["argument", "environment"])
def test_what_is_asked_for_is_had_or_an_error(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(devices, "_unusable", lambda: "torch 2.99.0 finds none")
    if said == "environment":
        monkeypatch.setenv(ENV_DEVICE, "cuda")
    with pytest.raises(EmbedderError, match=r"torch 2\.99\.0 finds none.*--device cpu"):
        choose_device("cuda" if said == "argument" else None)


def test_a_device_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EmbedderError, match="no such device.*'tpu'.*auto, cpu, cpu-bfloat16, cuda"):
        choose_device("tpu")


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_choosing_imports_no_torch_where_no_gpu_is_seen(wanted: str) -> None:
    """Hidden devices stand for a machine without one, so that this holds on any machine."""
    code = (
        "import os, sys; os.environ['CUDA_VISIBLE_DEVICES'] = '';"
        "from ragqa.embed.device import choose_device;"
        f"print(choose_device({wanted!r}), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, encoding="utf-8", check=True, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.stdout in {"cpu False\n", "cpu-bfloat16 False\n"}


@pytest.mark.parametrize(
    ("installed", "multiplies", "device", "missed"),
    [
        (True, True, "cpu-bfloat16", False),
        (False, True, "cpu", True),
        (True, False, "cpu", False),
        (False, False, "cpu", False),
    ],
)
def test_bfloat16_is_taken_where_it_pays_and_named_where_it_would(
    monkeypatch: pytest.MonkeyPatch, installed: bool, multiplies: bool, device: str, missed: bool
) -> None:
    monkeypatch.setattr(devices, "gpu_in_sight", lambda: False)
    monkeypatch.setattr(bfloat16, "is_installed", lambda: installed)
    monkeypatch.setattr(bfloat16, "has_bfloat16", lambda: multiplies)
    chosen = choose_device("auto")
    assert chosen == device
    assert ("ragqa[fast]" in (missed_speed(chosen) or "")) == missed


@pytest.mark.parametrize(
    ("installed", "said"), [(False, r"ragqa\[fast\]"), (True, "does not multiply in bfloat16")]
)
def test_bfloat16_that_was_asked_for_and_cannot_be_had_is_an_error(
    monkeypatch: pytest.MonkeyPatch, installed: bool, said: str
) -> None:
    monkeypatch.setattr(bfloat16, "is_installed", lambda: installed)
    monkeypatch.setattr(bfloat16, "has_bfloat16", lambda: False)
    with pytest.raises(EmbedderError, match=said):
        choose_device("cpu-bfloat16")


@pytest.mark.usefixtures("plain_torch")
def test_a_build_takes_the_device_from_the_command_line_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_corpus(tmp_path / "corpus/small", dict(STANDARD))
    run = caller(tmp_path, monkeypatch, capsys)
    taken: list[str] = []

    def load(_: str, *, device: str, **__: object) -> HashedEmbedder:
        taken.append(device)
        return HashedEmbedder()

    monkeypatch.setattr("ragqa.embed.load_embedder", load)
    monkeypatch.setattr(devices, "gpu_in_sight", lambda: False)
    monkeypatch.setattr(devices, "_unusable", lambda: "torch 2.99.0 finds none")
    monkeypatch.setattr(bfloat16, "has_bfloat16", lambda: False)
    for options in ([], ["--device", "auto"], ["--device", "cpu"]):
        assert run("rebuild", "corpus/small", *options).code == 0
    assert "cannot use a GPU" in run("rebuild", "corpus/small", "--device", "cuda").error()
    monkeypatch.setenv(ENV_DEVICE, "cuda")
    assert "cannot use a GPU" in run("rebuild", "corpus/small").error()
    monkeypatch.setattr(devices, "_unusable", lambda: None)
    assert run("rebuild", "corpus/small").code == 0
    assert taken == ["cpu", "cpu", "cpu", "cuda"]
    assert run("rebuild", "corpus/small", "--device", "tpu").code == 2


# Batches


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 30))
def test_padded_batches_keep_the_budget(lengths: list[int], tokens: int) -> None:
    batches = list(padded_batches(lengths, tokens=tokens))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    longest = [[lengths[index] for index in batch] for batch in batches]
    assert all(len(batch) * max(batch) <= tokens or len(batch) == 1 for batch in longest)
    assert sum(longest, []) == sorted(lengths, reverse=True)
    for batch, following in zip(longest, longest[1:], strict=False):
        assert (len(batch) + 1) * max(batch) > tokens
        assert following


def test_the_next_item_is_made_while_one_is_used() -> None:
    made, first_used = [], threading.Event()

    def items() -> Iterator[int]:
        for number in range(1, 4):
            made.append((number, threading.current_thread().name))
            if number == 2:  # made before the first was given up: else this would wait in vain
                first_used.set()
            yield number

    taken = []
    for item in ahead(items()):
        if item == 1:
            assert first_used.wait(20)
        assert len(made) <= item + 1
        taken.append(item)
    assert taken == [1, 2, 3]
    assert all(name.startswith("tokenise") for _, name in made)


def test_what_fails_in_the_thread_is_raised_here() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise EmbedderError("cut", item="there")

    seen = []
    with pytest.raises(EmbedderError, match="cut"):
        seen.extend(ahead(items()))
    before = threading.active_count()
    for _ in ahead(iter([1, 2, 3])):
        break
    assert threading.active_count() <= before + 1


# Comparing with the CPU


class Shifted(HashedEmbedder):
    """Gives other rows than its model, and counts how often it is asked."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift
        self.calls = 0

    def embed_chunks(self, texts: Sequence[str], sentences: Sequence[Any]) -> ChunkEmbeddings:
        self.calls += 1
        given = super().embed_chunks(texts, sentences)
        turned = np.roll(given.chunks, 1, axis=1)
        rows = (1 - self.shift) * given.chunks + self.shift * turned
        return ChunkEmbeddings(chunks=rows.astype(np.float32), sentences=given.sentences)


def _gpu(device: Any, opened: list[int]) -> LoweredEmbedder:
    def load() -> Any:
        opened.append(1)
        return device

    return LoweredEmbedder(HashedEmbedder(), rows="float16", opened=load)


def test_it_is_the_same_space_in_other_rows_and_loads_for_the_first_chunk_only() -> None:
    opened: list[int] = []
    device = Shifted(0.0)
    trusted, embedder = HashedEmbedder(), _gpu(device, opened)
    assert (embedder.fingerprint, embedder.dim) == (trusted.fingerprint, trusted.dim)
    assert (embedder.rows, embedder.max_tokens) == ("float16", trusted.max_tokens)
    assert embedder.count_tokens(["a b"]) == [2]
    assert np.array_equal(embedder.embed_queries(["a b"]), trusted.embed_queries(["a b"]))
    assert opened == []
    for _ in range(3):
        embedder.embed_chunks(["a b"], [[]])
    assert opened == [1]
    assert device.calls == 1 + 3  # the probes, once


@pytest.mark.parametrize("shift", [0.2, float("nan")])
def test_rows_far_from_the_cpus_are_refused(shift: float) -> None:
    embedder = _gpu(Shifted(shift), [])
    with pytest.raises(EmbedderError, match="cosine of .* less than 0.999.*--device cpu"):
        embedder.embed_chunks(["a"], [[]])


def test_a_row_of_zeros_is_like_another_and_like_no_other() -> None:
    nothing, some = np.zeros((1, 4), np.float32), np.eye(1, 4, dtype=np.float32)

    def rows(array: np.ndarray) -> ChunkEmbeddings:
        return ChunkEmbeddings(chunks=array, sentences=nothing)

    assert least_cosine(rows(nothing), rows(nothing)) == 1
    assert least_cosine(rows(some), rows(some)) == 1
    assert least_cosine(rows(nothing), rows(some)) == 0
    assert least_cosine(rows(some), rows(nothing)) == 0


# The packaged model


def _entry(source_name: str, cache: Path | None = None) -> Entry[Recipe]:
    roots = cache_roots(cache)
    entry = find_entry(roots, resolve(source_name).key, kind=Recipe, say=lambda _: None)
    assert entry is not None
    return entry


def _on_cpu(
    name: str, *, cache: Path | None = None, precision: str = "bfloat16"
) -> LoweredEmbedder:
    """Take the path of a GPU on the CPU; bfloat16 is what CPUs compute fast."""
    trusted = load_embedder(name, cache=cache)
    entry = _entry(name, cache) if type(trusted).__name__ == "OnnxEmbedder" else None

    def opened() -> Any:
        source = resolve(name)
        return open_rows(source, entry, device="cpu", precision=precision, say=lambda _: None)

    return LoweredEmbedder(trusted, rows=precision, opened=opened)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(("precision", "least"), [("bfloat16", 0.999), ("float16", 0.9999)])
def test_the_packaged_model_gives_nearly_the_cpus_rows(precision: str, least: float) -> None:
    sentence = "In 41 patients, median age was 49.0 years (IQR 41.0-58.0)."
    texts = [" ".join([sentence] * n) for n in (3, 1, 7, 2)]
    spans = [
        [(at, at + len(sentence)) for at in range(0, len(t), 1 + len(sentence))] for t in texts
    ]
    trusted = load_embedder()
    embedder = _on_cpu(trusted.name, precision=precision)
    found, expected = (e.embed_chunks(texts, spans) for e in (embedder, trusted))
    assert found.sentences.shape == expected.sentences.shape == (13, 384)
    assert least < least_cosine(expected, found) < 1
    assert not np.array_equal(expected.chunks, found.chunks)
    assert np.abs(np.linalg.norm(found.chunks, axis=1) - 1).max() < 1e-5


# Tiny models of random weights


@pytest.fixture(scope="module", params=["mean", "cls", "max", "lasttoken"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Embedder, LoweredEmbedder]:
    """A model on the CPU in float32, and on the way of a GPU in float32, so that all must agree."""
    folder = tmp_path_factory.mktemp("models")
    model = save_tiny_model(folder / "model", pooling=request.param, prompts=PROMPTS)
    trusted = load_embedder(str(model), cache=folder / "cache")
    return trusted, _on_cpu(str(model), cache=folder / "cache", precision="float32")


@pytest.mark.slow
def test_each_row_stands_in_its_place(pair: tuple[Embedder, LoweredEmbedder]) -> None:
    trusted, embedder = pair
    expected, found = (e.embed_chunks(TEXTS, SPANS) for e in pair)
    assert np.abs(found.chunks - expected.chunks).max() < 1e-4
    assert found.sentences.shape == expected.sentences.shape
    assert np.abs(found.sentences - expected.sentences).max() < 1e-4
    nothing = embedder.embed_chunks([], [])
    assert nothing.chunks.shape == nothing.sentences.shape == (0, trusted.dim)


@pytest.mark.slow
def test_a_chunk_too_long_is_refused_by_its_number(pair: tuple[Embedder, LoweredEmbedder]) -> None:
    trusted, embedder = pair
    fits = "a " * trusted.max_tokens
    assert len(embedder.embed_chunks([fits], [[]]).chunks) == 1
    many = [*["a"] * 200, fits + "a", *["b"] * 200, fits + "a a a"]
    with pytest.raises(EmbedderError, match="chunk 200 has .*'a a a"):
        embedder.embed_chunks(many, [[]] * len(many))


@pytest.mark.slow
def test_a_span_outside_of_its_chunk_is_refused(pair: tuple[Embedder, LoweredEmbedder]) -> None:
    with pytest.raises(EmbedderError, match="span"):
        pair[1].embed_chunks(["A chunk."], [[(0, 99)]])


class Spied:
    """A model of transformers that notes its batches, and has a small memory."""

    def __init__(self, inner: Any, *, most: int = 10**9) -> None:
        self.inner, self.most, self.sizes = inner, most, []
        self.spoil: Callable[[Any], None] = lambda states: None

    def __call__(self, *, input_ids: Any, attention_mask: Any) -> Any:
        import torch

        if input_ids.numel() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")
        self.sizes.append(tuple(input_ids.shape))
        output = self.inner(input_ids=input_ids, attention_mask=attention_mask)
        self.spoil(output.last_hidden_state)
        return output


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    name = str(save_tiny_model(folder / "model"))
    load_embedder(name, cache=folder / "cache")
    return name, folder / "cache"


@pytest.fixture
def rows(tiny: tuple[str, Path]) -> TorchRows:
    from ragqa.embed.reference import load_model, quiet

    with quiet():
        model = load_model(resolve(tiny[0]), attention=None)
    rows = TorchRows(
        tiny[0], _entry(*tiny), model, device="cpu", precision="float32", batch_tokens=64
    )
    rows._model = Spied(rows._model)
    return rows


@pytest.mark.slow
def test_batches_are_as_few_as_the_budget_allows(rows: TorchRows, tiny: tuple[str, Path]) -> None:
    result = rows.embed_chunks(TEXTS, SPANS)
    counts = load_embedder(tiny[0], cache=tiny[1]).count_tokens(TEXTS)
    sizes = rows._model.sizes
    assert sizes == [
        (len(batch), max(counts[index] + 2 for index in batch))
        for batch in padded_batches([count + 2 for count in counts], tokens=64)
    ]
    assert len(sizes) > 3
    assert all(texts * tokens <= 64 for texts, tokens in sizes)
    expected = load_embedder(tiny[0], cache=tiny[1]).embed_chunks(TEXTS, SPANS)
    assert np.abs(result.chunks - expected.chunks).max() < 1e-4


@pytest.mark.slow
def test_more_texts_than_are_tokenised_at_once_share_batches(rows: TorchRows) -> None:
    texts = [f"image {number}" for number in range(300)]
    many = rows.embed_chunks(texts, [[]] * 300).chunks
    assert sum(count for count, _ in rows._model.sizes) == 300
    one = rows.embed_chunks(texts[150:151], [[]]).chunks
    assert np.abs(many[150] - one[0]).max() < 1e-5
    again = rows.embed_chunks(texts, [[]] * 300).chunks
    assert np.array_equal(many, again)


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_halved(rows: TorchRows) -> None:
    whole = rows.embed_chunks(TEXTS, SPANS)
    rows._model.most = 20 + max(len(clean(text)) for text in TEXTS)
    rows._model.sizes.clear()
    halved = rows.embed_chunks(TEXTS, SPANS)
    assert np.abs(whole.chunks - halved.chunks).max() < 1e-5
    assert np.abs(whole.sentences - halved.sentences).max() < 1e-5
    rows._model.most = 3
    with pytest.raises(EmbedderError, match=r"failed on cpu.*CUDA out of memory\.$"):
        rows.embed_chunks(TEXTS, SPANS)


@pytest.mark.slow
def test_what_is_not_a_number_is_an_error(rows: TorchRows) -> None:
    rows._model.spoil = lambda states: states[:, 0].fill_(float("inf"))
    with pytest.raises(EmbedderError, match="not a number.*RAGQA_DEVICE"):
        rows.embed_chunks(TEXTS, SPANS)


@pytest.mark.slow
def test_loading_for_a_gpu_loads_nothing_before_the_first_chunk(tiny: tuple[str, Path]) -> None:
    said: list[str] = []
    embedder = load_embedder(tiny[0], cache=tiny[1], device="cuda", on_progress=said.append)
    trusted = load_embedder(tiny[0], cache=tiny[1])
    assert (embedder.rows, trusted.rows) == (GPU_PRECISION, "float32")
    assert embedder.fingerprint == trusted.fingerprint
    assert embedder.max_tokens == trusted.max_tokens < TINY_WINDOW
    assert np.array_equal(embedder.embed_queries(TEXTS), trusted.embed_queries(TEXTS))
    assert said == []
    assert LEAST_COSINE < 1

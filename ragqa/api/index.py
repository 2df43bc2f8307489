"""`Index`: built from a corpus, a folder of generations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragqa.api.corpus import Corpus
    from ragqa.build import BuildProgress, BuildReport

__all__ = ["Index", "default_index"]


class Index:
    """A folder of generations; the one in force answers.

    :param directory: The index folder.
    :param report: How it was just built, if it was.
    """

    def __init__(self, directory: Path, *, report: BuildReport | None = None) -> None:
        self.directory = directory
        self.report = report

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        directory: str | Path,
        *,
        embedder: str | None = None,
        device: str | None = None,
        jobs: int = 0,
        on_progress: Callable[[BuildProgress], None] | None = None,
        on_message: Callable[[str], None] | None = None,
    ) -> Index:
        """Bring an index up to date with a corpus; unchanged documents are taken over.

        :param corpus: The corpus.
        :param directory: The index folder; it is made if needed.
        :param embedder: Name or folder of the embedding model; None for the packaged one.
        :param device: Where chunks are embedded: ``cpu``; ``cpu-bfloat16``; ``cuda`` for a GPU;
            ``auto`` for the fastest of these that is here; None for what ``RAGQA_DEVICE`` says,
            else ``auto``.
        :param jobs: Worker processes for parsing; 0 for one a core.
        :param on_progress: Called after each document.
        :param on_message: Told of one-time work, such as the export of the model.
        :return: The index; its `report` has a row for every document.
        :raises BuildError: No space or no permission; the old generation stays in force.
        :raises EmbedderError: The model cannot be loaded, or not on that device.
        """
        from ragqa.build import build_index
        from ragqa.embed import DEFAULT_EMBEDDER, load_embedder
        from ragqa.embed.device import choose_device, missed_speed

        chosen = choose_device(device)
        missed = missed_speed(chosen)
        if on_message is not None and missed is not None:
            on_message(missed)
        model = load_embedder(embedder or DEFAULT_EMBEDDER, on_progress=on_message, device=chosen)
        report = build_index(
            corpus.directory,
            Path(directory),
            embedder=model,
            jobs=jobs,
            on_progress=on_progress or (lambda progress: None),
        )
        return cls(Path(directory), report=report)

    def rollback(self) -> int:
        """Put the generation before the one in force in force again.

        :return: Its number.
        :raises IndexMissingError: There is no earlier one.
        """
        from ragqa.index.generation import rollback

        return int(rollback(self.directory).name.removeprefix("gen-"))


def default_index(corpus: Path) -> Path:
    """Return where a corpus's index is if none is named: ``indexes/<corpus name>``.

    :param corpus: The corpus folder.
    :return: ``indexes/NAME`` beside the folder that holds the corpora, else in this folder;
        relative where it lies below the current folder.
    """
    resolved, here = corpus.resolve(), Path.cwd()
    if resolved.parent.name != "corpus":
        return Path("indexes") / resolved.name
    path = resolved.parent.parent / "indexes" / resolved.name
    return path.relative_to(here) if path.is_relative_to(here) else path

"""What is wrong with a dataset: mistakes that refuse it, and problems that it is evaluated with.

Invariant: both come out in file order, files in the order in which they were first named.
"""

from __future__ import annotations

from ragqa.errors import DatasetError
from ragqa.evaluate.records import DatasetProblem, Effect, Place

__all__ = ["Notes"]


class Notes:
    """Collects what is wrong with one dataset.

    :ivar name: What an error calls the dataset.
    """

    def __init__(self, name: object) -> None:
        self.name = name
        self._mistakes: list[tuple[Place, str]] = []
        self._problems: list[DatasetProblem] = []
        self._files: dict[str, int] = {}

    def names(self, file: str) -> None:
        """Give a file its place in the order of files.

        :param file: The file.
        """
        self._files.setdefault(file, len(self._files))

    @property
    def first(self) -> Place:
        """Return the start of the file that was named first: where papers are listed."""
        return Place(file=next(iter(self._files), str(self.name)), line=1)

    @property
    def last(self) -> Place:
        """Return the start of the file that was named last: where questions are listed."""
        return Place(file=next(reversed(self._files), str(self.name)), line=1)

    def wrong(self, place: Place, text: str) -> None:
        """Note a mistake that keeps the dataset from being evaluated.

        :param place: Where.
        :param text: What is wrong, with the offending value.
        """
        self._mistakes.append((place, text))

    def is_wrong(self, place: Place) -> bool:
        """Say whether a mistake was noted at a place.

        :param place: The place.
        :return: Whether there is one.
        """
        return any(noted == place for noted, _ in self._mistakes)

    def note(self, place: Place, text: str, effect: Effect) -> None:
        """Note a mistake that the dataset can be evaluated with.

        :param place: Where.
        :param text: What is wrong, with the offending value.
        :param effect: What it leads to.
        """
        self._problems.append(DatasetProblem(place=place, text=text, effect=effect))

    @property
    def problems(self) -> tuple[DatasetProblem, ...]:
        """Return what was noted, in file order: files as they were read, then lines."""
        return tuple(sorted(self._problems, key=lambda problem: self._order(problem.place)))

    def refuse(self) -> None:
        """Raise the mistakes, if there are any.

        :raises DatasetError: There are; all of them are named, in file order.
        """
        if self._mistakes:
            found = sorted(self._mistakes, key=lambda mistake: self._order(mistake[0]))
            raise DatasetError(self.name, tuple(f"{place}: {text}" for place, text in found))

    def _order(self, place: Place) -> tuple[int, int]:
        return self._files.get(place.file, len(self._files)), place.line

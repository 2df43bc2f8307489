"""What holds for every test: no example of a property test is judged by the clock."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("ragqa", deadline=None)
settings.load_profile("ragqa")

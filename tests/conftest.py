"""What holds for every test: no example of a property test is judged by the clock. And: no hub."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("ragqa", deadline=None)
settings.load_profile("ragqa")


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the hub of models away, as somebody without a network has it."""
    from ragqa.embed.reference import quiet

    with quiet():
        import huggingface_hub
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

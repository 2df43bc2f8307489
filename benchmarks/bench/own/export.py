"""Have the packaged model exported into ragqa's cache, as its first use does."""

from __future__ import annotations

from ragqa.embed import load_embedder

if __name__ == "__main__":
    load_embedder()

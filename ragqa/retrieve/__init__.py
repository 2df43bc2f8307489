"""Stage 7: a query -> ranked chunks and sentences of the allowed papers, and how sure that is.

`hybrid` ranks; `confidence` turns its signals into a probability that the papers answer.
"""

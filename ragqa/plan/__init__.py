"""Stage 7: what the answer shall hold: sections with their queries, and a model's fit.

`sections` turns a question or a card's instructions into a `Plan`; `fit` decides from its
declared task whether a recommended model is made for what the question asks; `tasks` is the
list of tasks that both know by name.
"""

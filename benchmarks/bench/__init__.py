"""One run, one table: ragqa beside what users have today, measured on one machine.

``make bench`` runs it (``python -m benchmarks.bench`` from the root). Each measure is a module of
`measures`; each of its runs is a process of its own: a script of `own`, in ragqa's environment, or
of `peers`, in one that `environment` makes. The systems of a measure take turns, round by round.
"""

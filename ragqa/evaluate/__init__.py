"""Evaluation: datasets -> systems -> rows -> measures -> comparison -> report, offline.

Same dataset, same systems, same bytes: everything but timings is a function of the input.
"""

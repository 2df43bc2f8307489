"""Facts of language that the gate and the check for conflicting statements share.

In: plain English text. Out: numbers with units, names, negations, directions, hedges, content
words. Pure functions without I/O but a word list read once; regexes are compiled once, and all
take time linear in the text.
"""

"""Whatever is read of others, given octets that nobody would send by mistake.

Owns: the targets, what is tried on each, what counts as a fault, and the corpus in ``tests/data/corpus``.
Begin with ``fuzzing``; ``target`` says what a target is, ``targets`` which there are.
"""

"""The examination: which questions are asked in which order, and what could not be asked.

Knows every room of checks.
Begin with ``doctor``.
"""

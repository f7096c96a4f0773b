"""Threads that are begun while others wait for what they do.

May know: nothing else of the product.
Begin with ``bounded_start``.
"""

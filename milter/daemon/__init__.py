"""The daemon as one object: sockets, threads, their start and their common end.

Knows every other room of the milter.
Begin with ``daemon``.
"""

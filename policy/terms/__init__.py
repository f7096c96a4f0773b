"""The words of the trade as values: domains and list entries, pins, TLS versions, directions, problems,
log events.

Pure.  Knows nothing but the standard library, ``idna`` and the public suffix list.
Begin with ``domain`` and ``lists``; ``problems`` for what an operator is told.
"""

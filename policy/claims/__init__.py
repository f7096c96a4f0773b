"""Which listed domains a message says it is from, however its author fields are written.

Pure.  Knows domains and lists, and no session.
Begin with ``claims``; ``address`` is the grammar, ``encoded_word`` and ``host_names`` the readings.
"""

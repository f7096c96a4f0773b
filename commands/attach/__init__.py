"""``domain-secure attach``, ``detach`` and ``generate``: Postfix connected, and its tables written.

Prints; plans and tables are ``postfix``'s.
Begin with ``attach``.
"""

"""``domain-secure check``: the doctor's findings, and what ``--fix`` mends.

Prints; examining is ``postfix/doctor``'s.
Begin with ``command``.
"""

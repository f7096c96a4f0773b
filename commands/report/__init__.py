"""``domain-secure report``: as text, HTML, CSV and JSON.

Prints; the numbers are ``policy/history``'s.
Begin with ``command``.
"""

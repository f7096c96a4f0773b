"""``domain-secure status`` and ``top``: the state of this edge, for people, scripts and the status page.

Gathers and prints; changes nothing.
Begin with ``status_document``.
"""

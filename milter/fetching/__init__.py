"""Content at places that certificates name, fetched over HTTP as if a stranger had chosen the place.

Owns the exchange and its limits, and how many are made at once; ``issuer_fetcher`` gets missing authorities.
Begin with ``http_fetch``.
"""

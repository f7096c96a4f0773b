"""A private authority for two organisations, and the certificates that nobody should believe.

``authority_folder`` keeps files, the rest is pure.
Begin with ``private_authority``.
"""

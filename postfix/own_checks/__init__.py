"""The doctor's questions about what is ours: configuration, files, certificates, revocation lists, the
fleet.

Reads files; mends nothing.
Begin with ``configuration_checks``.
"""

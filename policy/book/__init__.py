"""The certificate book: which certificate stands behind a fingerprint, and which fingerprints nobody
knows.

Keeps a SQLite file.  Knows certificates, and neither decisions nor probes.
Begin with ``certificate_book``.
"""

"""Whether a certificate has been revoked, by lists and OCSP answers.

Judging is pure; ``revocation_store`` and ``crl_files`` read and write files.  Fetching is the milter's
part.
Begin with ``revocation``, then ``revocation_evidence``.
"""

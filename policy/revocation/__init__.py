"""Whether a certificate has been revoked; this room judges and keeps, and asks nobody.

Path: ``milter/knowledge`` asks about a trusted one, which ``milter/revocation`` watches from then on.  Needs:
the locations its certificates name (``needs``).  Statements: the lists and OCSP answers these last sent,
kept on disk (``revocation_store``), and the lists of ``crl_files`` (``statements`` reads both).  Judgement:
what the current ones say, and "revoked" until a newer one lifts it (``judge``, ``kept_revocation``).
Refresh: a location is asked again after half the time for which its word holds, ``revocation_refresh`` at
most; after a failure in a minute, doubled up to an hour; at once on request (``refresh_request``).
Begin with ``revocation``, the words of all this, then ``judge``.
"""

"""Whether a certificate has been revoked; this room judges and keeps, and asks nobody.

Path: ``milter/knowledge`` asks about a trusted one, and ``milter/revocation`` watches it from then on.
Needs: the locations that the path's certificates name (``needs``).  Statements: the lists and OCSP answers
these last sent, kept on disk (``revocation_store``), and the lists of ``crl_files`` (``statements`` reads).
Judgement: what those among them say that are current (``judge``); commands ask ``kept_revocation`` for it.
Refresh: a location is asked again after 50 to 70 % of the time for which its word holds, 5 minutes to 12
hours; after a failure in a minute, doubled up to an hour.  New octets replace old ones only if they help.
Begin with ``revocation``, the words of all this, then ``judge``.
"""

"""Revisions of a fleet's policy: what one is, what a signature covers, which may follow on which.

Pure.  Knows no store and no setting.
Begin with ``revision``, then ``lineage``.
"""

"""Certificates as frozen facts: their content, the names they present, what they are for, and whether a
path leads to an authority.

Pure: octets, anchors and the time are passed in.  Knows no partner, no list, no revocation.
Begin with ``certificate``, then ``path_validation``.
"""

"""What other mail servers demand of single domains, read from their settings and said in ours.

Pure: text goes in, a proposal comes out.  Knows no file and no running server.
Begin with ``proposal``, then ``exchange`` or ``tls_policy``.
"""

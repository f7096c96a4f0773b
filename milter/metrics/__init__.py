"""The metrics of the daemon (DESIGN section 6).

Labels are list entries and words of ours, never what a client sent.
Begin with ``metrics``.
"""

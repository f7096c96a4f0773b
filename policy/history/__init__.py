"""Looking back: the history's file, what is written and read, reports, and decisions taken again.

Keeps a SQLite file; ``partner_report`` and ``replay`` are pure.
Begin with ``history``.
"""

"""What happened to a message as one record: for the protocol log, the history and reports.

Records are pure; ``log_levels`` keeps a file.  Knows decisions and deliveries, and not who listens.
Begin with ``decision_record`` and ``observed``.
"""

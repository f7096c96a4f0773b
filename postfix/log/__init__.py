"""Postfix's log: found, followed, read line by line, and made into deliveries and failed sessions.

``log_line`` and ``delivery_tracker`` are pure; sources and ledger touch the disk.
Begin with ``log_follower``; a new line of Postfix goes into ``log_line`` and ``delivery_tracker``.
"""

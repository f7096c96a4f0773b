"""Watched paths: what they need is fetched, and the judgement on each is at hand when a message asks.

The flow is told in ``policy/revocation``, which judges and keeps.  Here, in a thread of its own,
``revocation_watch`` takes the questions, ``revocation_table`` holds the paths and ``followed_locations``
what each location said and when it is asked again; ``milter/fetching`` asks them.
Begin with ``revocation_watch``, then ``revocation_table``.
"""

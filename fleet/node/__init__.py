"""One node: it follows the store, enforces from its own disk, reports, and shares what it learned.

Runs in the daemon; without the store it goes on as before.
Begin with ``agent``, then ``follower``.
"""

"""The fleet's policy edited: the newest revision, changed and made the next one.

Runs in commands.
Begin with ``fleet_store``.
"""

"""What is written down of each message: protocol log, history, journal, in a thread of its own.

Keeps up or drops and counts; a message never waits for it.
Begin with ``recorder``.
"""

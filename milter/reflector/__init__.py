"""The reflector at work: letters are gathered, judged, counted, and answered through our own Postfix.

Speaks SMTP to this machine alone.
Begin with ``reflector``.
"""

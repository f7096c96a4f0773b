"""Acts that the page asks for: what state they start from, and who does them.

The daemon, which is no root, only asks; ``apply-change``, which root's unit runs, looks at everything anew
and does the act by its command.  Begin with ``command``.
"""

"""``domain-secure setup``: from nothing to the first secured message.

Owns: the order of the steps, what is asked, and how each is undone; the steps are the other commands' own.
Begin with ``plan``.
"""

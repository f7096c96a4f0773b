"""What a page may change: which acts there are, and what a browser has to show before one is done.

Owns the acts, the confirmation with its single-use number, and the check that the request came from our own
page.  Who does an act, and what state it starts from, is passed in.
Begin with ``page_changes``.
"""

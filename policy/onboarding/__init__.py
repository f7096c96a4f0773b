"""How a partner is taken on: what could be demanded of it, which steps are left, and what is kept of the way.

Owns: the proposal, the order of the steps, and the file of where each partner stands.
Must not know: sockets, Postfix, how anything is printed.
Begin with ``steps``.
"""

"""``domain-secure connector``: domain security as one switch for each service of Postfix that carries mail.

What a switch does to Postfix's files is ``postfix/attach``'s, and carried out as ``commands/attach`` does.
Begin with ``command``.
"""

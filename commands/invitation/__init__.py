"""``domain-secure partner invite``: the sheet for a partner's administrator, in his language.

Gathers, words and prints; what is demanded of the partner is the rule in force.
Begin with ``command``.
"""

"""``domain-secure partner add``: from a domain that nobody knows here to one whose mail is proved.

Owns: what is asked and said on the way; the steps themselves are the other commands' own, their order
``policy/onboarding``'s.
Must not know: ``commands/partner``, which offers it as one of its actions.
Begin with ``walk``.
"""

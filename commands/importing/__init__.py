"""``domain-secure import``: what another mail server demands of single domains, proposed as a configuration.

Reads files and prints; what their text means is ``policy/importing``'s.
Begin with ``command``.
"""

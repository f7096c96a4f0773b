"""``domain-secure fleet``: one policy for many edges, kept in etcd.

Prints and asks; what it does is done in ``fleet``.
Begin with ``command``.
"""

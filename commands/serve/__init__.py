"""``domain-secure serve``: the daemon composed of its parts, and the fleet's part in it.

The one place that knows ``milter``, ``postfix``, ``fleet`` and ``policy`` together at run time.
Begin with ``command``.
"""

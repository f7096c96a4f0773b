"""The configuration: its settings, how it is read, and what a fleet shares of it.

``configuration`` is frozen values; ``reading``, ``domains_file`` and ``fleet_cache`` read files.
Begin with ``settings`` (one row for each key), then ``reading`` and ``configuration``.
"""

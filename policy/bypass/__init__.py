"""Mail with one partner that is let through unproved for some hours, because somebody said so and why.

It may know terms and files, and nothing else.
Begin with ``bypass``.
"""

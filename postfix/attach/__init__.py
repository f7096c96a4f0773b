"""What attach, detach and certificates make of main.cf and master.cf: planned as data, then carried out.

Plans are computed from texts; ``attach_execution`` alone replaces files.
Begin with ``attachment``, then ``halves`` and ``attach_signs``: what is ours in the two files.
"""

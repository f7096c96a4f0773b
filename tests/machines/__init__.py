"""Machines: roots of Debian that are booted with their own systemd, and what runs on them.

Begin with ``test_machines.py``; ``machine.py`` boots, ``debian_root.py`` makes and keeps the roots, and
``product_package.py`` the package.  ``inside/`` is copied to the machine and runs there, by its own Python.
"""

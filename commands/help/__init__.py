"""What people are told who ask for help: what each command is for with examples, and topics to read about.

Texts as data, and how they are found; which commands there are, and what they take, is not known here.
Begin with ``usage``.
"""

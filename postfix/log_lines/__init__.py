"""The lines of Postfix's log: their forms and their grammar, and what a status or a failure says.

Pure: octets in, values out.  Knows neither where lines come from nor how they belong together.
Begin with ``log_line``; a new form of the log goes there or into ``log_form``, a new reason into
``failure_text``.
"""

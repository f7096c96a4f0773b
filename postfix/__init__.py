"""All that knows Postfix: its configuration files, its tables, and what it would do with a message."""

"""HTML from templates: how every page of ours is rendered, and what keeps a stranger's words text.

Reads the template's file.  Knows no page and nothing of mail.
Begin with ``html_template``.
"""

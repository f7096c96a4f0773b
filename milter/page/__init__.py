"""HTTP: metrics, health, and the status page.

Serves what others gathered.
Begin with ``http_server``, then ``status_view``.
"""

"""One Postfix: its programs, main.cf and master.cf, services, tables as it looks things up, sockets,
queue.

Runs Postfix's programs and reads its files.  Knows nothing of attach, tables of ours or findings.
Begin with ``programs``, then ``main_cf`` and ``master_cf``.
"""

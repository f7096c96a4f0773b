"""Files and folders that survive a crash: replaced whole, one writer at a time, owned by the daemon's
user.

Touches the disk, and knows no content.
Begin with ``atomic_file``, then ``held_folder``: what another user may write in.
"""

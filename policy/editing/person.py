"""Who it is that changes something, for whoever asks later."""

import os
import pwd


def who() -> str:
    """Return the person at the keyboard, as far as the machine knows."""
    try:
        name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return name if name.isprintable() else repr(name)

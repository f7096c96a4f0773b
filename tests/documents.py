"""What commands answer with ``--json``, as tests take it."""

import json
from typing import Any

HEAD = ("version", "command", "exit_status", "error", "said", "notes")


def body(text: str) -> dict[str, Any]:
    """Return the keys of a command's own, of its document as it was printed."""
    document = json.loads(text)
    assert tuple(key for key in document if key in HEAD) == HEAD
    return {key: value for key, value in document.items() if key not in HEAD}

"""Let days pass on an edge whose mail is only watched, which no test can wait for."""

import json
from datetime import UTC, datetime, timedelta

from lab.product import STATE, Product

_EARLIER = """
import sqlite3, sys
first = "SELECT min(number) FROM record WHERE direction = 'receive'"
history = sqlite3.connect(sys.argv[1], isolation_level=None)
history.execute(f"UPDATE record SET time = ? WHERE number = ({first})", (float(sys.argv[2]),))
"""


def let_days_pass(product: Product, days: int) -> None:
    """Let the daemon have run for a day more, and the first message be nearly as old as these."""
    outside = product.lab.namespaces.outside
    now = datetime.now(UTC)
    ran = [[(now - timedelta(days=days + 1)).isoformat(), now.isoformat()]]
    outside(STATE / "watched.json").write_text(json.dumps({"ran": ran}))
    early = (now - timedelta(days=days) + timedelta(minutes=6)).timestamp()
    product.lab.namespaces.run("python3", "-c", _EARLIER, str(STATE / "history.sqlite"), str(early))

"""What stands in JSON in a file, a store or an answer, whoever wrote it.

Owns: that whatever is no document, or no time, is a ValueError.  Python's own readers raise RecursionError
for what is nested deeply, OverflowError for a time that lies before all others in UTC, and take numbers for
infinite that RFC 8259 section 6 has not, or that are too large to be written otherwise.
Must not know: which document is expected.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any


def parse_json(content: str | bytes) -> Any:
    """Return the document in *content*; raises ValueError where there is none."""
    try:
        return json.loads(content, parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("it is nested more deeply than any document of ours") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def parse_utc(text: str) -> datetime:
    """Return the time that *text* is in ISO 8601, in UTC; one without a zone is this machine's.

    Raises ValueError for any other text, and TypeError for what is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of reach") from error

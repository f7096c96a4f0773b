"""Draw a short history as small bars, for a page that loads nothing from elsewhere.

Owns: the geometry.  Must not know: what is counted, colours.
Invariant: what went well stands above the line and what did not hangs below it, so that nobody needs colours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ABOVE, BELOW = 24, 12  #: pixels
_STEP, _BAR = 6, 5
_LEAST = 2.0  #: what happened once is seen beside what happened a thousand times


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: int
    y: float
    width: int
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars, how wide they are together, and where the line between above and below runs."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    ground: int


def sparkline(above: Mapping[str, Sequence[int]], below: Mapping[str, Sequence[int]]) -> Sparkline:
    """Return bars for numbers by kind, stacked away from the line, all on one scale."""
    up, down = _heights(above), _heights(below)
    scale = max(max(up, default=0) / ABOVE, max(down, default=0) / BELOW)
    length = max((len(one) for one in (*above.values(), *below.values())), default=0)
    ground = ABOVE if any(up) else 0
    bars: list[Bar] = []
    for kinds, is_above, room in ((above, True, ABOVE), (below, False, BELOW)):
        taken = [0.0] * length
        for kind, numbers in kinds.items():
            for place, number in enumerate(numbers):
                if number:
                    height = min(float(room), max(_LEAST, round(number / scale, 1)))
                    near = min(taken[place], room - height)
                    y = ground - near - height if is_above else ground + near
                    bars.append(Bar(place * _STEP, round(y, 1), _BAR, height, kind))
                    taken[place] = near + height
    height = ground + (BELOW if any(down) else 0) + 1
    return Sparkline(tuple(bars), max(0, length * _STEP - (_STEP - _BAR)), height, ground)


def _heights(kinds: Mapping[str, Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*kinds.values(), strict=True)]

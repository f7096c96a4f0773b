"""Draw a short history as small bars, for a page that loads nothing from elsewhere.

Owns: the geometry.  Must not know: what is counted, colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 24
_STEP, _BAR = 5, 4
_LEAST = 2.0  #: what happened once is seen beside what happened a thousand times


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: int
    y: float
    width: int
    height: float
    kind: str  #: ``good`` or ``bad``


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars, and how wide they are together."""

    bars: tuple[Bar, ...]
    width: int
    height: int = HEIGHT


def sparkline(good: Sequence[int], bad: Sequence[int]) -> Sparkline:
    """Return a bar for each pair of numbers; what was bad stands on top of what was good."""
    most = max([one + other for one, other in zip(good, bad, strict=True)], default=0)
    bars: list[Bar] = []
    for place, (one, other) in enumerate(zip(good, bad, strict=True)):
        below = 0.0
        for number, kind in ((one, "good"), (other, "bad")):
            if number:
                height = max(_LEAST, round(number / most * HEIGHT, 1))
                top = max(0.0, HEIGHT - below - height)
                bars.append(Bar(place * _STEP, round(top, 1), _BAR, height, kind))
                below += height
    return Sparkline(tuple(bars), len(good) * _STEP - (_STEP - _BAR))

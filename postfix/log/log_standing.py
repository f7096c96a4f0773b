"""Whether Postfix's log tells anything: lines that come and are understood, that are not, and a silence.

Owns: what is a line of Postfix's in no known form, and when a silence cannot be right.
Must not know: where lines come from, or what they say.

Postfix logs each message that it takes up and each that it is done with, and moves its file through the
folder ``active`` of the queue meanwhile.  So mail that moved and left no trace here is logged elsewhere.
Sources: qmgr(8); postconf(5) syslog_name.
"""

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.postfix.log_lines.log_line import LINE, decoded

_SAMPLE = 128  #: as in ``log_form``
_FEW = 20  #: lines in another form, after which those that were understood before are no excuse
_AT_ONCE = 5.0  #: seconds between what Postfix does and its line
_PATIENCE = 60.0  #: seconds for a syslog daemon that is busy
# Named by its program: others name Postfix for many reasons.
_PROGRAM = re.compile(
    rb"(?<![\w/.-])[\w.-]+(?:/[\w.-]+)*/(?:smtpd?|lmtp|qmgr|cleanup|pickup|bounce|master|anvil|tlsproxy"
    rb"|postscreen|trivial-rewrite|local|virtual|error|retry)\b"
)


@dataclass(frozen=True, slots=True)
class Forms:
    """What a look at some lines found."""

    known: int = 0  #: of this Postfix, in a form that is understood
    strange: int = 0  #: naming a program of Postfix, in none
    example: str = ""  #: the beginning of a strange one, without what it says


def forms_of(lines: Sequence[bytes], syslog_names: Collection[str] = ()) -> Forms:
    """Look at lines, at a sample of many; *syslog_names* are those of the instance, empty for any."""
    names = tuple(f"{name}/".encode() for name in syslog_names)
    known = strange = 0
    example = ""
    for line in lines if len(lines) <= 4 * _SAMPLE else lines[::_SAMPLE]:
        if header := LINE.match(line):
            known += not names or header["tag"].startswith(names)
        elif named := _PROGRAM.search(line):
            strange += 1
            example = example or decoded(line[: named.end()])
    return Forms(known, strange, example)


class StandingWatch:
    """Told of all lines that were read, knows how the log stands.

    *activity* is when mail last moved in the queue, by the clock, or None where that is not known.
    """

    def __init__(
        self,
        syslog_names: Collection[str],
        activity: Callable[[], float | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._names = syslog_names
        self._activity = activity
        self._clock = clock
        self._heard = clock()  #: when the last line was understood; at first, when listening began
        self._unheard_since: float | None = None
        self._strange = 0  #: since then
        self._example = ""
        self.known = self.strange = 0  #: of the lines that were looked at

    def look(self, lines: Sequence[bytes]) -> None:
        """Take lines that were read."""
        forms = forms_of(lines, self._names)
        self.known += forms.known
        self.strange += forms.strange
        if forms.known:
            self._heard, self._strange, self._unheard_since = self._clock(), 0, None
        elif forms.strange:
            self._strange += forms.strange
            self._example = forms.example

    def standing(self) -> tuple[LogStanding, str]:
        """Return how it stands with all that was logged read, and what there is to say of that."""
        if self._strange >= (_FEW if self.known else 1):
            return LogStanding.NOT_UNDERSTOOD, f"lines in no form that is known, such as {self._example!r}"
        if self._is_unheard():
            return LogStanding.SILENT, "mail moves through the queue, and Postfix logs nothing of it here"
        return (LogStanding.FOLLOWED if self.known else LogStanding.UNKNOWN), ""

    def _is_unheard(self) -> bool:
        moved = self._activity()
        if moved is None or moved <= self._heard + _AT_ONCE:
            self._unheard_since = None
            return False
        now = self._clock()
        self._unheard_since = self._unheard_since or now
        return now - self._unheard_since > _PATIENCE

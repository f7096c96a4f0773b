"""Whether Postfix's log tells anything."""

import pytest

from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.postfix.log.log_standing import Forms, StandingWatch, forms_of

KNOWN = b"Nov 25 19:23:15 mail postfix/qmgr[7]: 10B773D: removed"
STRANGE = b"Nov 25 19:23:15 [postfix/smtp] 10B773D: to=<a@x.test>"
OTHER = b"Nov 25 19:23:15 mail dovecot: imap-login: Login"


class Scene:
    """A watch, with the clock and the queue in our hands."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.moved: float | None = None
        self.watch = StandingWatch(("postfix",), lambda: self.moved, lambda: self.now)

    @property
    def standing(self) -> LogStanding:
        """Return how the log stands."""
        return self.watch.standing()[0]

    def pass_by(self, seconds: float, *, mail: bool) -> None:
        """Let time pass, a second after the other, perhaps with mail that moves."""
        for _ in range(int(seconds)):
            self.now += 1
            if mail:
                self.moved = self.now
            self.watch.standing()


@pytest.mark.parametrize(
    ("line", "forms"),
    [
        (KNOWN, Forms(known=1)),
        (STRANGE, Forms(strange=1, example="Nov 25 19:23:15 [postfix/smtp")),
        (KNOWN.replace(b"postfix/", b"other/"), Forms()),
        (OTHER, Forms()),
        (b"Nov 25 19:23:15 mail CRON[3]: (root) CMD (/usr/lib/postfix/sbin/smtp -x)", Forms()),
        (b"", Forms()),
    ],
)
def test_what_a_line_is(line: bytes, forms: Forms) -> None:
    """Ours and understood, a program of Postfix's in no form, or none of our business."""
    assert forms_of([line], ("postfix",)) == forms


def test_nothing_is_known_at_first() -> None:
    """A quiet night is no fault."""
    scene = Scene()
    scene.watch.look([OTHER])
    scene.pass_by(500, mail=False)
    assert scene.standing is LogStanding.UNKNOWN


def test_another_form_is_told_by_its_first_line() -> None:
    """And by some more where lines were understood before."""
    scene = Scene()
    scene.watch.look([STRANGE])
    assert scene.standing is LogStanding.NOT_UNDERSTOOD
    assert "[postfix/smtp" in scene.watch.standing()[1]
    assert "a@x.test" not in scene.watch.standing()[1]
    scene.watch.look([KNOWN, STRANGE])
    assert scene.standing is LogStanding.FOLLOWED
    scene.watch.look([STRANGE] * 19)
    assert scene.standing is LogStanding.FOLLOWED
    scene.watch.look([STRANGE])
    assert scene.standing is LogStanding.NOT_UNDERSTOOD


@pytest.mark.parametrize("heard", [False, True])
def test_mail_that_moves_and_is_not_logged(heard: bool) -> None:
    """After a minute of patience; the first line ends it."""
    scene = Scene()
    if heard:
        scene.watch.look([KNOWN])
    scene.pass_by(60, mail=True)
    assert scene.standing is not LogStanding.SILENT
    scene.pass_by(10, mail=True)
    assert scene.standing is LogStanding.SILENT
    scene.watch.look([KNOWN])
    assert scene.standing is LogStanding.FOLLOWED


def test_one_message_is_enough() -> None:
    """It moved once, and nothing was ever heard of it."""
    scene = Scene()
    scene.pass_by(7, mail=True)
    scene.pass_by(70, mail=False)
    assert scene.standing is LogStanding.SILENT


def test_what_is_logged_at_once_is_no_silence() -> None:
    """The folder changes a moment after the line."""
    scene = Scene()
    for _ in range(200):
        scene.watch.look([KNOWN])
        scene.moved = scene.now + 0.5
        scene.pass_by(1, mail=False)
    scene.pass_by(500, mail=False)
    assert scene.standing is LogStanding.FOLLOWED


def test_of_a_backlog_a_sample_is_looked_at() -> None:
    """Nobody pays for each of a million lines."""
    assert forms_of([KNOWN] * 6400, ("postfix",)) == Forms(known=50)

"""What the daemon asks of root for the sake of Postfix's tables."""

from pathlib import Path

from configurations import make_configuration

from domain_secure.commands.serve.table_watch import AGAIN_SECONDS, TableWatch
from domain_secure.postfix.attach.routes_record import request_path


def test_what_the_log_says_is_asked_about_now_and_then(tmp_path: Path) -> None:
    """Whoever writes to the log in Postfix's name has root look no oftener than that."""
    configuration, now = make_configuration(tmp_path), [0.0]
    watch, request = TableWatch(lambda: now[0]), request_path(configuration)
    for at, is_asked in ((0.0, True), (AGAIN_SECONDS - 0.1, False), (AGAIN_SECONDS, True)):
        now[0] = at
        watch.complained_of(configuration)
        assert request.exists() is is_asked
        request.unlink(missing_ok=True)


def test_a_request_that_cannot_be_left_is_no_fault_of_the_log(tmp_path: Path) -> None:
    """The state folder may be away."""
    TableWatch().complained_of(make_configuration(tmp_path / "away"))

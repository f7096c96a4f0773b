"""``log``: reading the protocol log back, and saying how much goes into it."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from documents import body, checked_line

from domain_secure.commands.main import main
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.history_item import HistoryItem
from domain_secure.policy.record.log_levels import temporary_levels
from domain_secure.policy.record.observed import Observed, item_of
from domain_secure.policy.sending.delivery import DeliveryStatus

from unit.commands.terminals import read_until
from unit.policy.builders import NOW, claim, configuration, known, session
from unit.policy.history_items import FAILED, record
from unit.policy.sending.test_delivery import SENT

Run = Callable[..., tuple[int, str, str]]
DAY = timedelta(days=1)


def kept(observed: Observed, queue_id: str, level: LogLevel = LogLevel.NORMAL) -> HistoryItem:
    """Return what is kept of something, under another queue id."""
    return item_of(replace(observed, queue_id=queue_id), level)


@pytest.fixture
def writer(tmp_path: Path) -> HistoryWriter:
    """Return the writer of the history."""
    return HistoryWriter(tmp_path / FILE_NAME)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run ``log``; returns the exit status and what was printed on both streams."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(
        '# ours\n[receive]\ndomains = ["woodgrovebank.test", "*.fabrikam.test"]\n'
        f'[send]\ndomains = ["woodgrovebank.test"]\n[paths]\nstate = "{tmp_path}"\n'
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--config", str(file), "log", *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def story(writer: HistoryWriter) -> HistoryWriter:
    """Write a decision that lets in, one that refuses, one of a wildcard's host, a delivery and a failure."""
    hosts = decide(
        [claim("mail.fabrikam.test", "*.fabrikam.test")],
        Evidence(session(), None),
        configuration("*.fabrikam.test"),
        NOW,
    )
    writer.write(
        [
            kept(record(), "IN1", LogLevel.VERBOSE),
            kept(record("evil.test"), "IN2"),
            kept(replace(record(), decision=hosts, time=NOW + DAY), "IN3"),
            kept(replace(SENT, time=NOW + DAY), "OUT1", LogLevel.VERBOSE),
            kept(replace(FAILED, time=NOW + DAY), "OUT2", LogLevel.VERBOSE),
        ]
    )
    return writer


def queue_ids(printed: str) -> list[str]:
    """Return the queue ids of a JSON document."""
    return [one["queue_id"] for one in body(printed)["records"]]


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["IN1", "IN2", "IN3", "OUT1", "OUT2"]),
        (["receive"], ["IN1", "IN2", "IN3"]),
        (["send"], ["OUT1", "OUT2"]),
        (["--domain", "woodgrovebank.test"], ["IN1", "IN2", "OUT1", "OUT2"]),
        (["--domain", "Mail.Fabrikam.test"], ["IN3"]),
        (["--domain", "*.fabrikam.test"], ["IN3"]),
        (["--domain", "www.fabrikam.test"], []),
        (["--domain", "fabrikam.test"], []),
        (["--verdict", "pass", "--verdict", "sent"], ["IN1", "OUT1"]),
        (["--queue-id", "IN2"], ["IN2"]),
        (["--since", "2026-11-25T00:00Z"], ["IN3", "OUT1", "OUT2"]),
        (["--until", "2026-11-25T00:00Z"], ["IN1", "IN2"]),
        (["--last", "2"], ["OUT1", "OUT2"]),
    ],
)
def test_what_is_asked_for(run: Run, arguments: list[str], expected: list[str]) -> None:
    """Each filter leaves what it says, and JSON is one document."""
    status, printed, errors = run("show", "--json", *arguments)
    assert (status, errors) == (0, "")
    assert queue_ids(printed) == expected


@pytest.mark.usefixtures("story")
def test_the_story_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads who, which way, what became of it and why, with the reasoning where it was verbose."""
    monkeypatch.setenv("TZ", "UTC")
    _, printed, _ = run("show")
    lines = printed.splitlines()
    assert lines[0].startswith("Tuesday, 2026-11-24 (times are ")
    for words in (
        "let in   pass                 TLSv1.3 pkix  [192.0.2.7] IN1",
        "tried pkix: pass: certificate for mail.woodgrovebank.test",
        "refused  name-mismatch        TLSv1.3  [192.0.2.7] IN2",
        "mail.fabrikam.test in envelope: ",
        "sent     mutual               TLSv1.3  mail.woodgrovebank.test[198.51.100.20]:25 OUT1",
        "failed   name-mismatch        mail.woodgrovebank.test[198.51.100.20]:25 OUT2",
        "4F2C1A0B: to=<…@woodgrovebank.test>, status=deferred",
    ):
        assert any(words in line for line in lines), words
    assert sum(line.startswith("Wednesday, 2026-11-25") for line in lines) == 1


def test_a_strangers_words_move_no_cursor(run: Run, writer: HistoryWriter) -> None:
    """Escape sequences in a server's reply are shown, not obeyed."""
    writer.write([kept(replace(SENT, reply="250 \x1b[2J\x1b]0;owned\x07\u202eok\r\nfake line"), "OUT1")])
    _, printed, _ = run("show")
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\x1b[2J" in printed
    assert not any(line.startswith("fake") for line in printed.splitlines())


def test_lines_of_a_failed_session_are_shown_once(run: Run, writer: HistoryWriter) -> None:
    """The deferral that comes of a failed session has the same lines, and does not repeat them."""
    deferred = replace(SENT, status=DeliveryStatus.DEFERRED, verified=False, lines=FAILED.lines)
    writer.write([kept(FAILED, "OUT1", LogLevel.VERBOSE), kept(deferred, "OUT1", LogLevel.VERBOSE)])
    _, printed, _ = run("show")
    assert printed.count("to=<…@woodgrovebank.test>") == 1
    assert "deferred" in printed


def test_nothing_to_show(run: Run, writer: HistoryWriter) -> None:
    """Nothing recorded and nothing that fits are told apart."""
    assert run("show")[1] == "nothing has been recorded yet\n"
    writer.write([kept(record(), "IN1")])
    assert run("show", "--queue-id", "X")[1].startswith("nothing fits; there are records from 2026-11-24")
    assert body(run("show", "--json", "--queue-id", "X")[1]) == {"records": []}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "--verdict", "nope"], "'nope' is no verdict"),
        (["show", "--since", "soon"], "neither"),
        (["show", "--domain", "a b"], "not a domain name"),
        (["show", "--last", "0"], "nothing to show"),
        (["receive", "verbose", "woodgrovebank.test"], "say for how long"),
        (["receive", "verbose", "--for", "1y"], "1y"),
        (["receive", "verbose", "--for", "5w"], "longer than 30 days"),
        (["receive", "--for", "1h"], "no level is named"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], words: str) -> None:
    """What cannot be meant is said, with status 2, and changes nothing."""
    status, printed, errors = run(*arguments)
    assert (status, printed) == (2, "")
    assert words in errors


def test_a_damaged_history_is_a_problem(run: Run, tmp_path: Path) -> None:
    """Status 2, one line, and what to do."""
    (tmp_path / FILE_NAME).write_bytes(b"x" * 5000)
    status, _, errors = run("show")
    assert status == 2
    assert "the history is damaged" in errors


def test_a_level_for_a_while(run: Run, tmp_path: Path) -> None:
    """Options may stand between the words; what holds is printed, and another partner's is left alone."""
    status, printed, _ = run("receive", "verbose", "--for", "1h", "woodgrovebank.test")
    assert status == 0
    assert printed.startswith("receive: normal; verbose for woodgrovebank.test until ")
    run("receive", "off", "--for", "2h", "*.fabrikam.test")
    first, second = temporary_levels(tmp_path)
    assert (first.level, second.level) == (LogLevel.VERBOSE, LogLevel.OFF)
    assert timedelta(minutes=59) < first.until - datetime.now(UTC) <= timedelta(hours=1)
    run("receive", "normal", "woodgrovebank.test")
    assert [one.entries for one in temporary_levels(tmp_path)] == [("*.fabrikam.test",)]
    document = json.loads(run("receive", "--json")[1])
    assert document["configured"] == "normal"
    assert [one["domains"] for one in document["temporary"]] == [["*.fabrikam.test"]]


def test_a_level_for_good(run: Run, tmp_path: Path) -> None:
    """Without --for the configuration is edited, its comments stay, and temporary levels of it end."""
    run("send", "verbose", "--for", "1h")
    run("receive", "verbose", "--for", "1h")
    assert run("receive", "off")[1] == "receive: off\n"
    file = tmp_path / "domain-secure.toml"
    assert load(file).log_receive is LogLevel.OFF
    assert file.read_text().startswith("# ours\n")
    assert run("receive", "normal")[1] == "receive: normal\n"
    assert [one.direction for one in temporary_levels(tmp_path)] == ["send"]


def test_a_domain_that_is_not_listed_is_refused(run: Run, tmp_path: Path) -> None:
    """A typing error would otherwise show as a log that stays silent; who means it says so."""
    command = ("receive", "verbose", "--for", "1h", "woodgrovebnk.test")
    status, printed, errors = run(*command)
    assert (status, printed) == (1, "")
    assert "woodgrovebnk.test is not on the receive list; did you mean woodgrovebank.test?" in errors
    assert temporary_levels(tmp_path) == ()
    assert run(*command, "--force")[0] == 0
    assert len(temporary_levels(tmp_path)) == 1


@pytest.mark.usefixtures("story")
def test_a_typing_error_is_told_where_nothing_fits(run: Run) -> None:
    """A domain on no list of which nothing was recorded; one that was listed once has its records still."""
    status, printed, errors = run("show", "--domain", "woodgrovebnk.test")
    assert status == 1
    assert "nothing fits" in printed
    assert "woodgrovebnk.test is on no list; did you mean woodgrovebank.test?" in errors


@pytest.mark.usefixtures("story")
def test_each_record_has_its_date_where_lines_are_searched(run: Run) -> None:
    """Without a terminal a line stands alone: date, time and offset begin each record."""
    _, printed, _ = run("show")
    first = next(line for line in printed.splitlines() if "→ in" in line)
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d → in", first)


@pytest.mark.usefixtures("run", "story")
def test_a_record_fits_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal of 60 columns nothing but a digest is wider, and what was broken hangs."""
    monkeypatch.setenv("COLUMNS", "60")
    ours, theirs = pty.openpty()
    with following(tmp_path, output=theirs) as process:
        shown = read_until(ours, b"OUT2")
        process.terminate()
    os.close(ours)
    os.close(theirs)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    wide = [line for line in lines if len(line) > 60]
    assert [line for line in wide if len(line.split()) > 1] == []
    assert any(line.startswith(" " * 16) and line.strip() for line in lines)


def test_a_level_that_holds_already_is_no_fault(run: Run) -> None:
    """It is said in the words of every command."""
    assert run("receive", "normal") == (0, "already so: receive: normal\n", "")


def following(tmp_path: Path, *arguments: str, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start ``log show --follow``."""
    program = Path(sys.executable).parent / "domain-secure"
    command = [program, "--config", tmp_path / "domain-secure.toml", "log", "show", "--follow", *arguments]
    return subprocess.Popen(command, stdout=output, text=True, close_fds=True)


@pytest.mark.usefixtures("run")
def test_following(writer: HistoryWriter, tmp_path: Path) -> None:
    """What comes is printed once and at once, also after the history was set aside."""
    writer.write([kept(record(), "IN1")])
    with following(tmp_path, "--json") as process:
        assert process.stdout is not None
        assert checked_line(process.stdout.readline())["queue_id"] == "IN1"
        writer.write([kept(record(), "IN2"), kept(record(), "IN3")])
        assert checked_line(process.stdout.readline())["queue_id"] == "IN2"
        assert checked_line(process.stdout.readline())["queue_id"] == "IN3"
        writer.set_aside()
        writer.write([kept(record(), "IN4")])
        assert checked_line(process.stdout.readline())["queue_id"] == "IN4"
        process.terminate()


@pytest.mark.usefixtures("run", "story")
def test_colour_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal what was let in is green and what was refused is red."""
    ours, theirs = pty.openpty()
    with following(tmp_path, output=theirs) as process:
        shown = read_until(ours, b"OUT2")
        process.terminate()
    os.close(ours)
    os.close(theirs)
    assert b"\x1b[32mlet in" in shown
    assert b"\x1b[1;31mrefused" in shown


def test_certificates_of_a_verbose_record(run: Run, writer: HistoryWriter) -> None:
    """Subject, issuer, names, dates and pins are there for who looks into a refusal."""
    writer.write([kept(record(), "IN1", LogLevel.VERBOSE)])
    _, printed, _ = run("show")
    leaf = known("mail.woodgrovebank.test").certificate
    assert "certificate 1: CN=subject, issued by CN=issuer" in printed
    assert "for mail.woodgrovebank.test, from 2026-10-25 to 2027-01-23" in printed
    assert str(leaf.certificate_pin) in printed
    assert str(leaf.public_key_pin) in printed


@pytest.mark.usefixtures("story")
def test_what_a_partner_may_be_handed(run: Run) -> None:
    """His own messages and deliveries, with what is not told counted; as text and as a document."""
    status, printed, errors = run("show", "--for-partner", "woodgrovebank.test", "--json")
    assert (status, errors) == (0, "")
    document = body(printed)
    assert [one["reference"] for one in document["records"]] == ["IN1", "OUT1", "OUT2"]
    assert (document["partner"], document["not_told"]) == ("woodgrovebank.test", 1)
    _, printed, _ = run("show", "--for-partner", "woodgrovebank.test")
    for words in (
        "What woodgrovebank.test may be told of its own mail; times are UTC.",
        "2026-11-24 12:00:00  from [192.0.2.7]:41034: let in  [ref IN1]",
        "    pass by pkix: woodgrovebank.test in envelope: certificate for mail.woodgrovebank.test",
        "to mail.woodgrovebank.test[198.51.100.20]:25: name-mismatch  [our queue id OUT2]",
        "1 more that named woodgrovebank.test",
    ):
        assert words in printed
    assert "IN2" not in printed
    assert "fabrikam" not in printed
    _, printed, _ = run("show", "--for-partner", "woodgrovebank.test", "--queue-id", "IN2", "--json")
    (named,) = body(printed)["records"]
    # Mail of his has passed from there.
    assert (named["reference"], named["client"]["address"]) == ("IN2", "192.0.2.7")


@pytest.mark.usefixtures("story")
def test_forgeries_do_not_hide_what_is_a_partners_own(run: Run, writer: HistoryWriter) -> None:
    """However many there were since: what is counted is what is told."""
    writer.write([kept(record("evil.test"), f"F{number}") for number in range(60)])
    document = body(run("show", "--for-partner", "woodgrovebank.test", "--json")[1])
    assert [one["reference"] for one in document["records"]] == ["IN1", "OUT1", "OUT2"]
    assert document["not_told"] == 61
    document = body(run("show", "--for-partner", "woodgrovebank.test", "--last", "1", "--json")[1])
    assert [one["reference"] for one in document["records"]] == ["OUT2"]


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("further", [["--follow"], ["--domain", "woodgrovebank.test"], ["--verdict", "pass"]])
def test_what_a_partner_is_handed_is_one_partners_account(run: Run, further: list[str]) -> None:
    """Whoever asks for more is told what does not go together; a domain on no list is a typing error."""
    assert run("show", "--for-partner", "woodgrovebank.test", *further)[0] == 2
    assert run("show", "--for-partner", "woodgrovebnk.test")[0] == 1


def test_services_with_a_level_of_their_own_are_named(run: Run, tmp_path: Path) -> None:
    """Setting the level of what comes in leaves theirs as it is, and says so; what goes out has none."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(f'{file.read_text()}[log]\nservices = ["submission/inet=off"]\n')
    assert "submission/inet=off" in run("receive", "verbose")[2]
    assert load(file).log_services == {"submission/inet": LogLevel.OFF}
    assert run("send", "verbose")[2] == ""

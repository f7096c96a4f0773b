"""What a monitoring system reads: the form of the guidelines, and UNKNOWN for all that goes wrong."""

import io
import sys
from pathlib import Path

import pytest
from plugin_format import is_beyond, read

from domain_secure.commands.main import main
from domain_secure.commands.terminal import own_process
from domain_secure.commands.terminal.plugin_output import Number, PluginAnswer, Result, State
from domain_secure.policy.terms.problems import Problem


def test_what_strangers_wrote_breaks_no_line_and_begins_no_numbers() -> None:
    """Line breaks, pipes and control characters are taken out of every text."""
    stranger = "a|b\nc\r\x1b[31m\u2028d"
    result = Result(State.WARNING, stranger, (Number("errors", 1, critical="0"),), (stranger,))
    found = read(str(result), 1)
    assert (found.text, found.more) == ("a/b c [31m d", ("a/b c [31m d",))
    assert found.numbers == {"errors": ("1", None, "", "0")}


def test_it_is_no_longer_than_what_is_read() -> None:
    """Nagios reads 4 KB: a long text is cut, and lines that do not fit are counted."""
    result = Result(State.CRITICAL, "x" * 500, (), tuple("ü" * 99 for _ in range(100)))
    found = read(str(result), 2)
    assert len(found.text) == 200
    assert found.more[-1] == f"and {100 - len(found.more) + 1} more"


def test_numbers_are_written_as_numbers() -> None:
    """Neither an exponent nor a value that is not known looks like a fault of the form."""
    numbers = (
        Number("received", 123_456_789, "c"),
        Number("log_lag", None, "s", warning="60"),
        Number("certificate_left", -86_400, "s", warning="1814400:", critical="604800:"),
        Number("time", 0.001, "s"),
    )
    found = read(str(Result(State.OK, "well", numbers)), 0)
    assert found.numbers["received"][:2] == ("123456789", "c")
    assert found.numbers["log_lag"] == ("U", "s", "60", "") or found.numbers["log_lag"][0] == "U"
    assert is_beyond(-86_400, "604800:")
    assert not is_beyond(604_800, "604800:")
    assert is_beyond(1, "0")
    assert not is_beyond(0, "0")


def test_a_command_that_judges_nothing_is_unknown() -> None:
    """Also one that ended well."""
    stream = io.StringIO()
    assert PluginAnswer(stream).finish(0) == 3
    assert read(stream.getvalue(), 3).state == "UNKNOWN"


def test_a_problem_is_unknown() -> None:
    """Whatever its exit status is elsewhere."""
    stream = io.StringIO()
    assert PluginAnswer(stream).finish(1, Problem("it broke", "there", "mend it")) == 3
    assert read(stream.getvalue(), 3).text == "it broke: there: mend it"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--nagios", "--nonsense"),
        ("check", "--nagios", "--json"),
        ("check", "--nagios", "--timeout", "0"),
        ("status", "--nagios", "--watch"),
        ("receive", "list", "--nagios"),
    ],
)
def test_wrong_use_is_unknown(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """What a monitoring system is told wrongly is no state of the mail."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 3
    assert read(capsys.readouterr().out, 3).state == "UNKNOWN"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--nagios", "--fix"),
        ("check", "--not-looked-at", "ok"),
        ("check", "--timeout", "3"),
        ("status", "--nagios", "--fleet"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the form that was asked for."""
    expected = 3 if "--nagios" in arguments else 2
    assert main(arguments) == expected
    out = capsys.readouterr().out
    assert out == "" if expected == 2 else read(out, 3).text


@pytest.mark.parametrize("command", ["check", "status"])
def test_one_that_takes_too_long_is_unknown(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time is over before the monitoring system's own is."""
    monkeypatch.setattr(own_process, "COMMAND", (sys.executable, "-c", "import signal; signal.pause()"))
    assert main(["--config", str(tmp_path / "x"), command, "--nagios", "--timeout", "0.2"]) == 3
    assert "did not end within 0.2 s" in read(capsys.readouterr().out, 3).text


@pytest.mark.parametrize("command", ["check", "status"])
@pytest.mark.parametrize("text", [None, "[receive\n"])
def test_a_configuration_that_cannot_be_used_is_unknown(
    command: str, text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing or faulty: what it lists is not known, and so is what becomes of its mail."""
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    assert main(["--config", str(path), command, "--nagios"]) == 3
    assert str(path) in "\n".join([(found := read(capsys.readouterr().out, 3)).text, *found.more])

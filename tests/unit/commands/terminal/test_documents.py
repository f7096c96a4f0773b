"""The one document of a command: its head, errors in it, and nothing else on standard output."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from documents import checked_line

from domain_secure.commands.main import INTERNAL_ERROR, INTERRUPTED, main
from domain_secure.commands.terminal.common import print_json_line
from domain_secure.commands.terminal.documents import VERSION, Answer, asked_answer
from domain_secure.policy.terms.problems import Problem

from lab.waiting import DEADLINE

HEAD = ["version", "command", "exit_status", "error"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty configuration."""
    file = tmp_path / "x.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}"\n')
    return file


def test_what_is_printed_besides_is_kept(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that changes something answers with one document, which has its words to a person, too."""
    assert main(["--config", str(path), "receive", "add", "a.test", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document)[:4] == HEAD
    assert (document["version"], document["command"]) == (VERSION, "receive add")
    assert (document["exit_status"], document["error"]) == (0, None)
    assert document["said"] == ["a.test: added to the receive list", f"written: {path}"]


def test_an_error_is_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What, where, fix and the exit status are in it, and a person reads the same line as ever."""
    missing = tmp_path / "missing.toml"
    assert main(["--config", str(missing), "receive", "list", "--json"]) == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["exit_status"] == 2
    error = document["error"]
    assert list(error) == ["what", "where", "fix"]
    assert str(missing) in error["where"]
    assert err == f"domain-secure: {error['what']}: {error['where']}: {error['fix']}\n"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["receive", "add", "--json"], "receive add"),
        (["partner", "nonsense", "--json"], "partner"),
        (["nonsense", "--json"], ""),
        (["status", "--nonsense", "--json"], "status"),
    ],
)
def test_wrong_use_is_a_document(
    arguments: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the arguments cannot be understood."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["command"], document["exit_status"]) == (command, 2)
    assert document["error"]["what"] in err


def test_an_internal_error_is_a_document(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is told in the document as on standard error."""
    monkeypatch.setattr("domain_secure.commands.lists.configuration_of", lambda _: 1 / 0)
    assert main(["--config", str(path), "receive", "list", "--json"]) == INTERNAL_ERROR
    document = json.loads(capsys.readouterr().out)
    assert document["exit_status"] == INTERNAL_ERROR
    assert "ZeroDivisionError" in document["error"]["what"]


def test_an_interrupt_is_a_document(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that was interrupted says so in its document."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("domain_secure.commands.lists.configuration_of", interrupted)
    assert main(["--config", str(path), "receive", "list", "--json"]) == INTERRUPTED
    out, err = capsys.readouterr()
    assert (json.loads(out)["error"]["what"], err) == ("it was interrupted", "")


def test_an_interrupt_ends_lines_without_one_more(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To interrupt is how one leaves what goes on and on."""

    def interrupted(_: object) -> None:
        print_json_line({"number": 1})
        raise KeyboardInterrupt

    monkeypatch.setattr("domain_secure.commands.lists.configuration_of", interrupted)
    assert main(["--config", str(path), "receive", "list", "--json"]) == INTERRUPTED
    assert json.loads(capsys.readouterr().out)["number"] == 1


def test_an_error_after_lines_is_the_last_line(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads lines learns by one of them that there are no more."""

    monkeypatch.setattr("domain_secure.commands.log.log_show._found", lambda *_: iter(()))
    monkeypatch.setattr("domain_secure.commands.log.log_show._follow", lambda *_: _one_and_fail())
    assert main(["--config", str(path), "log", "show", "--follow", "--json"]) == 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert checked_line(last)["error"]["what"] == "it broke"


def _one_and_fail() -> None:
    print_json_line({"number": 1})
    raise Problem("it broke", "there", "mend it")


def test_a_full_disk_is_told_by_the_status(path: Path) -> None:
    """A document that cannot be written is no success."""
    code = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, "--config", path, "receive", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
    assert done.returncode != 0
    assert os.strerror(28) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_document_is_made_of_parts() -> None:
    """What a command answers in several steps is one document; later keys win, and text stays bytes-safe."""
    stream = io.StringIO()
    answer = Answer(stream)
    answer.command = "x"
    answer.put({"a": 1, "b": 1})
    answer.put({"b": 2})
    answer.buffer.write(b"\xff\n")
    assert answer.finish(1) == 1
    document = json.loads(stream.getvalue())
    assert (document["a"], document["b"], document["said"]) == (1, 2, ["\ufffd"])


def test_lines_are_documents_each() -> None:
    """Of many documents each is one line with its version; that it goes wrong at last is one more."""
    stream = io.StringIO()
    answer = Answer(stream)
    answer.put_line({"number": 1})
    answer.put_line({"number": 2})
    assert answer.finish(0) == 0
    assert [json.loads(line)["number"] for line in stream.getvalue().splitlines()] == [1, 2]
    answer.finish(2, Problem("it broke", "there", "mend it"))
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["version"], last["error"]["fix"]) == (VERSION, "mend it")


def test_values_that_look_like_the_option_ask_for_nothing() -> None:
    """Behind ``--`` there are no options."""
    assert asked_answer(["receive", "add", "--", "--json"], io.StringIO()) is None

"""The entry point: help, the configuration that counts, and how failures are told."""

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain_secure.commands import lists
from domain_secure.commands.main import COMMANDS, INTERNAL_ERROR, main

from lab.waiting import DEADLINE


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    code = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )


def test_closed_standard_output_is_no_error(tmp_path: Path) -> None:
    """With its standard output closed a command does its work, and no file of ours takes the place of it."""
    code = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    configuration = tmp_path / "x.toml"
    command = [
        sys.executable,
        "-c",
        code,
        "--config",
        str(configuration),
        "receive",
        "add",
        "a.test",
        "--no-wait",
    ]
    result = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *command],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "a.test" in configuration.read_text()
    assert "added" not in configuration.read_text()


def test_character_that_the_locale_lacks_is_no_error(tmp_path: Path) -> None:
    """Where the locale is ASCII alone, the help and a table are printed all the same."""
    configuration = tmp_path / "bücher.toml"
    configuration.write_text("")
    result = run("--config", configuration, "status", PYTHONIOENCODING="ascii")
    assert "internal error" not in result.stderr
    assert "b?cher.toml" in result.stdout
    document = json.loads(run("--config", configuration, "status", "--json", PYTHONIOENCODING="ascii").stdout)
    assert document["configuration"]["path"] == str(configuration)


def test_faulty_file_is_not_told_to_list_nobody(tmp_path: Path) -> None:
    """What a faulty configuration lists is not known; `status` and `top` do not say it were nothing."""
    configuration = tmp_path / "x.toml"
    configuration.write_text("[receive\n")
    for command in (("status",), ("top", "--count", "1")):
        shown = run("--config", configuration, *command).stdout
        assert "NOT APPLIED" in shown
        assert "no domain is listed" not in shown


def test_help_names_every_command() -> None:
    """The help lists every command with its line, and imports none of them."""
    result = run("--help")
    assert result.returncode == 0
    for name, command in COMMANDS.items():
        assert name in result.stdout
        assert command.help.split()[0] in result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["send", "add", "--help"], ["send", "add", "--nonsense"]])
def test_help_has_no_colours(arguments: list[str]) -> None:
    """Not by a variable either that asks every program for them: it may go into a file."""
    result = run(*arguments, FORCE_COLOR="1", PYTHON_COLORS="1")
    assert "usage: " in result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_and_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of the table exists and explains itself."""
    assert find_spec(f"domain_secure.commands.{COMMANDS[name].module}")
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"domain-secure {name}" in capsys.readouterr().out


def test_only_the_chosen_command_is_imported(tmp_path: Path) -> None:
    """A list command loads neither the daemon, nor libmilter, nor Postfix's side, nor the table printer."""
    code = (
        "import sys; from domain_secure.commands.main import main;"
        f"main(['--config', {str(tmp_path / 'x.toml')!r}, 'receive', 'add', 'a.test']);"
        "print([name for name in sys.modules if name in {'Milter', 'rich', 'cryptography'}"
        " or name.startswith(('domain_secure.milter', 'domain_secure.postfix'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    """--version prints the distribution's version."""
    result = run("--version")
    assert (result.returncode, result.stdout.split()[0]) == (0, "domain-secure")


def test_configuration_on_the_command_line_beats_the_environment(tmp_path: Path) -> None:
    """--config counts before the command and behind it, and beats DOMAIN_SECURE_CONFIG."""
    for name in ("argument", "environment"):
        (tmp_path / name).write_text(f'[receive]\ndomains = ["{name}.test"]\n')
    environment = str(tmp_path / "environment")
    argument = tmp_path / "argument"
    for arguments, expected in (
        (("receive", "list"), "environment.test\n"),
        (("--config", argument, "receive", "list"), "argument.test\n"),
        (("receive", "--config", argument, "list"), "argument.test\n"),
        (("receive", "list", "--config", argument), "argument.test\n"),
    ):
        result = run(*arguments, DOMAIN_SECURE_CONFIG=environment)
        assert (result.stdout, result.stderr) == (expected, "")


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["receive"], ["receive", "add"], ["receive", "list", "--x"]]
)
def test_wrong_use_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that make no sense are told with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: domain-secure" in capsys.readouterr().err


def test_problem_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Problem is printed as what, where and what to do, with its status."""
    path = tmp_path / "domain-secure.toml"
    path.write_text("\n[receive]\ndomains = 1\n")
    assert main(["--config", str(path), "receive", "list"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"domain-secure: 1 is not a list: {path}:3: receive.domains: write a list")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            PermissionError(13, "Permission denied", "/etc/x"),
            2,
            "Permission denied: /etc/x: run this as root",
        ),
        (ConnectionRefusedError(111, "Connection refused"), 3, "Connection refused"),
        (OSError(28, "No space left on device", "/x"), 2, "No space left on device: /x"),
        (KeyError("x\ny"), INTERNAL_ERROR, "internal error (KeyError)"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_failure_never_shows_a_traceback(
    error: BaseException,
    status: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever a command raises ends in at most one line and a status."""

    def fail(_: argparse.Namespace) -> None:
        raise error

    monkeypatch.setattr(lists, "run_list", fail)
    monkeypatch.delenv("DOMAIN_SECURE_DEBUG", raising=False)
    assert main(["receive", "list"]) == status
    shown = capsys.readouterr().err
    assert text in shown
    assert shown.count("\n") == bool(text)
    assert "Traceback" not in shown


def test_traceback_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DOMAIN_SECURE_DEBUG adds the traceback that a report needs."""

    def fail(_: argparse.Namespace) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lists, "run_list", fail)
    monkeypatch.setenv("DOMAIN_SECURE_DEBUG", "1")
    assert main(["receive", "list"]) == INTERNAL_ERROR
    assert "Traceback" in capsys.readouterr().err


def test_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """A reader that goes away early leads to no message."""
    (tmp_path / "x").write_text('[send]\ndomains_file = "long"\n')
    (tmp_path / "long").write_text("".join(f"d{number}.example.test\n" for number in range(20_000)))
    code = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--config", str(tmp_path / "x"), "send", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(DEADLINE) == 141


def test_missing_permission_says_sudo() -> None:
    """Who may not write is told so in one line, and nothing changes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "domain-secure.toml"
        path.write_text("")
        Path(folder).chmod(0o555)
        # The list of public suffixes is read at its first use, from a place that nobody may not see.
        code = (
            "import os, sys; from domain_secure.commands import lists, main;"
            "from domain_secure.policy.terms.domain import parse_entry; parse_entry('a.test');"
            "os.geteuid() or (os.setgid(65534), os.setuid(65534)); sys.exit(main.main())"
        )
        command = [sys.executable, "-c", code, "--config", str(path), "receive", "add", "b.test"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
        assert (result.returncode, path.read_text()) == (2, "")
        Path(folder).chmod(0o755)
    what = "no permission to change the configuration"
    assert result.stderr == f"domain-secure: {what}: {path}: run this as root, for example with sudo\n"

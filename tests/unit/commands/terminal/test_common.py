"""What every command prints with."""

import json
import os
import pty
import subprocess
import sys

import pytest

from domain_secure.commands.terminal.common import note, print_json, print_table

from lab.waiting import DEADLINE
from unit.commands.terminals import read_until


def test_table_is_aligned_text_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are as wide as their widest cell, and no line ends in spaces."""
    print_table(("domain", "count"), [("a.test", 1), ("longer.test", 20)])
    assert capsys.readouterr().out == "DOMAIN       COUNT\na.test       1\nlonger.test  20\n"


def test_empty_table_has_its_headers(capsys: pytest.CaptureFixture[str]) -> None:
    """A table without rows is still a table."""
    print_table(("domain",), [])
    assert capsys.readouterr().out == "DOMAIN\n"


def test_table_has_rules_on_a_terminal() -> None:
    """On a terminal the table is drawn, and what looks like markup in a cell is shown as it is."""
    code = (
        "from domain_secure.commands.terminal.common import print_table;"
        "print_table(['domain'], [['[red]a.test']])"
    )
    master, slave = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stdout=slave, check=True, timeout=DEADLINE)
    os.close(slave)
    shown = read_until(master, None).decode()
    os.close(master)
    assert "[red]a.test" in shown
    assert "━" in shown


def test_table_too_wide_for_the_terminal_is_paragraphs() -> None:
    """On a narrow terminal no domain is cut off: each row is a paragraph of its header and cell pairs."""
    code = (
        "from domain_secure.commands.terminal.common import print_table;"
        "print_table(['domain', 'certificate', 'mode'],"
        " [['woodgrovebank.test', 'none', 'enforce'], ['b', '', 'x']])"
    )
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": "30"}
    subprocess.run([sys.executable, "-c", code], stdout=slave, env=environment, check=True, timeout=DEADLINE)
    os.close(slave)
    shown = read_until(master, None).decode()
    os.close(master)
    assert shown.splitlines() == [
        "woodgrovebank.test",
        "    certificate: none",
        "    mode: enforce",
        "b",
        "    mode: x",
    ]


def test_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """A document is one JSON text, readable for people too."""
    print_json({"domain": "bücher.test"})
    out = capsys.readouterr().out
    assert "bücher.test" in out
    assert json.loads(out) == {"domain": "bücher.test"}


def test_note_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A note never mixes with the result."""
    note("look")
    assert capsys.readouterr() == ("", "domain-secure: look\n")

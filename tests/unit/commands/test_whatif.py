"""``whatif``: what another configuration would have done with recorded mail."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.configuration.configuration import LogLevel, Mode
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.history_item import HistoryItem
from domain_secure.policy.record.observed import item_of

from unit.policy.builders import WOODGROVE, claim, configuration, partner, session
from unit.policy.history_items import item, record

Run = Callable[..., tuple[int, str, str]]
OBSERVE = configuration(partners={WOODGROVE: partner(mode=Mode.OBSERVE)})


def observed(queue_id: str, *, days: int = 1) -> HistoryItem:
    """Return mail in the clear that a trial run let in, some days ago."""
    evidence = Evidence(session(tls_version=None), None)
    time = datetime.now(UTC) - timedelta(days=days)
    decision = replace(decide([claim()], evidence, OBSERVE, time), evidence=evidence)
    return item_of(replace(record(), decision=decision, queue_id=queue_id, time=time), LogLevel.NORMAL)


@pytest.fixture
def writer(tmp_path: Path) -> HistoryWriter:
    """Return the writer of the history."""
    return HistoryWriter(tmp_path / FILE_NAME)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run ``whatif`` with settings; returns the exit status and what was printed."""
    (tmp_path / "ca.pem").write_bytes(b"")

    def run(*arguments: str, settings: str = "") -> tuple[int, str, str]:
        file = tmp_path / "new.toml"
        file.write_text(
            f'{settings}\n[receive]\ndomains = ["woodgrovebank.test"]\n'
            f'[trust]\nca_file = "ca.pem"\n[paths]\nstate = "{tmp_path}"\n'
        )
        status = main(["whatif", "--config", str(file), *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_what_enforcing_would_have_refused(run: Run, writer: HistoryWriter) -> None:
    """The trial run's end: each partner, how many, from what to what, why, and which messages."""
    writer.write([observed("Q1"), observed("Q2"), observed("OLD", days=20)])
    status, printed, _ = run()
    assert status == 1
    assert "2 recorded messages since" in printed
    assert "woodgrovebank.test\n  2 messages: let in (no-tls) → refused (no-tls)\n" in printed
    assert "      Q1, Q2\n" in printed
    assert "0 would be treated as they were" in printed
    assert "what cannot be replayed:\n  mail that claimed no listed domain" in printed


def test_the_document(run: Run, writer: HistoryWriter) -> None:
    """JSON has every message, and what cannot be replayed is said there too."""
    writer.write([observed("Q1"), observed("OLD", days=20)])
    document = json.loads(run("--json", "--since", "4w")[1])
    (change,) = document["changes"]
    assert change["former"] == {"verdict": "no-tls", "effect": "accept"}
    assert change["present"] == {"verdict": "no-tls", "effect": "reject"}
    assert [one["queue_id"] for one in change["messages"]] == ["Q1", "OLD"]
    assert (document["judged"], document["same"]) == (2, 0)
    assert any("was not recorded" in limit for limit in document["limits"])


def test_nothing_would_change(run: Run, writer: HistoryWriter) -> None:
    """Where nothing would change the status is 0."""
    writer.write([observed("Q1")])
    status, printed, _ = run(settings='mode = "observe"')
    assert status == 0
    assert "1 would be treated as they were" in printed


def test_nothing_recorded(run: Run, tmp_path: Path) -> None:
    """An empty history is said, with its place: another configuration may name another folder."""
    status, printed, _ = run()
    assert status == 0
    assert f"there is nothing to judge in {tmp_path / FILE_NAME}" in printed


def test_records_of_another_version(run: Run, writer: HistoryWriter) -> None:
    """A document that cannot be read is counted, and the others are judged."""
    strange = item(1, time=datetime.now(UTC) - timedelta(hours=1))
    writer.write([strange, observed("Q1")])
    assert "1 could not be read" in run()[1]


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_wrong_time(run: Run, option: str) -> None:
    """A time that cannot be understood is named, with status 2."""
    status, _, errors = run(option, "soon")
    assert status == 2
    assert option in errors

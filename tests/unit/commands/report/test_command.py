"""``report`` in its four forms."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.commands.report.report_html import html_report
from domain_secure.commands.report.report_plain import cell, csv_report, report_document, text_report
from domain_secure.policy.history.history import Latest
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.history.partner_report import Material
from domain_secure.policy.terms.direction import Direction

from unit.policy.history_items import item
from unit.report_material import MADE, WOODGROVE, fortnight, material, report, sighting

Run = Callable[..., tuple[int, str, str]]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to run ``report``; returns the exit status and what was printed."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}"\n')

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--config", str(file), "report", *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def _recent(tmp_path: Path) -> None:
    """Record three messages of the last hours."""
    now = datetime.now(UTC)
    HistoryWriter(tmp_path / FILE_NAME).write(
        [
            item(1, time=now - timedelta(hours=2)),
            item(2, time=now - timedelta(hours=2), good=False),
            item(3, "fabrikam.test", time=now - timedelta(hours=1)),
        ]
    )


@pytest.mark.usefixtures("_recent")
def test_from_the_history(run: Run) -> None:
    """What was recorded is in the report, one partner's alone where it is asked for."""
    document = json.loads(run("--json")[1])
    assert [one["domain"] for one in document["partners"]] == ["fabrikam.test", "woodgrovebank.test"]
    assert document["totals"]["received"]["passed"] == 2
    assert document["history_begins"] is not None
    (one,) = json.loads(run("--format", "json", "--domain", "woodgrovebank.test")[1])["partners"]
    assert one["reasons"] == {"refused": {"no-tls": 1}}
    assert [last["success"] for last in one["latest"]] == [False, True]
    assert "woodgrovebank.test\n" in run()[1]


@pytest.mark.usefixtures("_recent")
def test_a_typing_error_is_no_empty_report(run: Run) -> None:
    """A domain on no list of which nothing was recorded; the status is 1."""
    status, printed, errors = run("--domain", "woodgrovebnk.test")
    assert (status, printed) == (1, "")
    assert "woodgrovebnk.test is on no list" in errors


@pytest.mark.usefixtures("_recent")
def test_into_a_file(run: Run, tmp_path: Path) -> None:
    """--out writes a file that is not for everybody, and says so."""
    path = tmp_path / "report.html"
    assert run("--format", "html", "--out", str(path))[1] == f"written: {path}\n"
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "soon"], "--since"),
        (["--since", "1d", "--until", "2d"], "ends before it begins"),
        (["--domain", "co.uk"], "public suffix"),
        (["--out", "/nonexistent/report"], "cannot write the report"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], words: str) -> None:
    """What cannot be meant is said, with status 2."""
    status, _, errors = run(*arguments)
    assert status == 2
    assert words in errors


def test_nothing_recorded(run: Run) -> None:
    """An empty period makes a report that says so, in every form."""
    assert "nothing that fits was recorded in this period" in run()[1]
    assert "Nothing was recorded in this period." in run("--format", "html")[1]
    assert len(run("--format", "csv")[1].splitlines()) == 1


def test_text() -> None:
    """Each partner with what became of its mail, why, over what, and by which certificates."""
    text = text_report(report())
    for words in (
        "Domain security report of mx1.contoso.test\n2026-11-11 20:00 to 2026-11-25 20:00 UTC",
        "passed (pkix ",
        "refused (name-mismatch 15, no-certificate 2)",
        "deferred (unknown-certificate 9)",
        "failed sessions (expired 12)",
        "mutual for certain",
        "certificate NEW mail2.woodgrovebank.test, smtp.woodgrovebank.test, valid until ",
        "passed 5,120, failed 3, seen from 2026-01-29",
        "let in unproved (no-tls ",
    ):
        assert words in text, words


def test_csv_adds_up() -> None:
    """The rows of counts add up to what was counted, and certificates have rows of their own."""
    rows = list(csv.DictReader(io.StringIO(csv_report(report(), fortnight()))))
    counts = [row for row in rows if row["record"] == "count"]
    assert sum(int(row["count"]) for row in counts) == sum(one.count for one in fortnight())
    assert {row["zone"] for row in counts} == {"UTC+0000"}
    certificates = [row for row in rows if row["record"] == "certificate"]
    assert certificates[0]["names"] == "mail.woodgrovebank.test smtp.woodgrovebank.test"
    assert certificates[0]["passed"] == "5120"
    assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(formula: str) -> None:
    """What a spreadsheet would compute is quoted by an apostrophe."""
    assert cell(formula) == f"'{formula}"
    assert cell("woodgrovebank.test") == "woodgrovebank.test"


def test_hostile_subject_in_csv() -> None:
    """A certificate's subject reaches the spreadsheet as text."""
    seen = sighting("mail.woodgrovebank.test", "aa", first=1, passed=1)
    assert seen.certificate is not None
    hostile = replace(seen, certificate=replace(seen.certificate, subject="=HYPERLINK(1)", dns_names=("@x",)))
    rows = list(csv.DictReader(io.StringIO(csv_report(report(Material((), (hostile,), (), None)), ()))))
    assert (rows[0]["subject"], rows[0]["names"]) == ("'=HYPERLINK(1)", "'@x")


class Elements(HTMLParser):
    """Gathers elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_html_stands_alone_and_nothing_in_it_runs() -> None:
    """No script, no handler, nothing fetched; and a stranger's words are text."""
    seen = sighting("mail.woodgrovebank.test", "aa", first=1, passed=1)
    assert seen.certificate is not None
    worst = replace(seen.certificate, subject=HOSTILE, issuer=HOSTILE, dns_names=(HOSTILE,))
    last = Latest(Direction.RECEIVE, WOODGROVE, False, MADE, HOSTILE, HOSTILE, HOSTILE)
    page = html_report(report(Material(fortnight(), (replace(seen, certificate=worst),), (last,), MADE)))
    elements = Elements()
    elements.feed(page)
    assert not elements.tags & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not {name for name in elements.names if name.startswith("on")}
    assert not elements.links
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src &#x27;none&#x27;" in page
    assert "&lt;script&gt;alert(1)" in page


def test_html_says_what_an_auditor_asks() -> None:
    """The page has partners, reasons, TLS versions, methods, certificates, and where the history begins."""
    page = html_report(report(material(kept_since=MADE - timedelta(days=3))))
    for words in (
        "<h2>woodgrovebank.test</h2>",
        "<h2>*.fabrikam.test</h2>",
        "name-mismatch",
        "by pkix",
        "TLSv1.2",
        "issued by CN=Laboratory Authority",
        "1 new in this period",
        "The history begins at 2026-11-22 20:00.",
        "times are UTC+0000",
        "mutual: our certificate was asked for",
    ):
        assert words in page, words


def test_document_has_stable_keys() -> None:
    """JSON has each category under the same key whether or not it occurred."""
    document = report_document(report(Material((), (), (), None)))
    assert document["totals"]["received"] == {
        "passed": 0,
        "observed": 0,
        "deferred": 0,
        "refused": 0,
        "exempt": 0,
    }
    assert document["totals"]["sent"].keys() == {
        "sent",
        "unverified",
        "postponed",
        "bounced",
        "failed",
        "mutual",
    }


@pytest.mark.usefixtures("_recent")
@pytest.mark.parametrize("form", ["text", "html", "json", "csv"])
def test_a_report_is_found_again(run: Run, tmp_path: Path, form: str) -> None:
    """Unchanged as it was written; changed by one letter it is not, in any form, with another status."""
    path = tmp_path / "report"
    run("--format", form, "--out", str(path))
    status, told, _ = run("--verify", str(path))
    assert (status, "unchanged since it was made: report 1 of " in told) == (0, True)
    assert "the chain has 1 report and holds; the newest has digest sha256:" in told
    path.write_text(path.read_text().replace("woodgrovebank.test", "woodgrovebank.tent", 1))
    status, told, _ = run("--verify", str(path))
    assert status == 1
    assert "unchanged" not in told
    assert ("not in this chain" if form == "csv" else "CHANGED since it was made") in told


@pytest.mark.usefixtures("_recent")
def test_the_digest_of_a_report_is_covered_too(run: Run, tmp_path: Path) -> None:
    """A report with another digest than it was given is changed; written with other spaces, JSON is not."""
    text, document = tmp_path / "report.txt", tmp_path / "report.json"
    for path in (text, document):
        run("--out", str(path), "--format", "json" if path is document else "text")
    found = json.loads(document.read_text())
    document.write_text(json.dumps({"said": [], **found}))
    assert run("--verify", str(document))[0] == 0
    digest = found["chain"]["digest"]
    document.write_text(json.dumps({**found, "chain": {**found["chain"], "digest": f"sha256:{'1' * 64}"}}))
    assert json.loads(run("--verify", str(document), "--json")[1])["outcome"] == "changed"
    document.write_text(json.dumps({**found, "host": "other"}))
    answer = json.loads(run("--verify", str(document), "--json")[1])
    assert (answer["outcome"], answer["report"]["number"]) == ("changed", 2)
    assert answer["chain"] == {"reports": 2, "newest": digest, "broken_at": None}
    # The digest of another report does not make it that one.
    text.write_text(text.read_text().replace(answer["report"]["previous"], digest))
    status, told, _ = run("--verify", str(text))
    assert status == 1
    assert "it says what it said then, and has another digest" in told


@pytest.mark.usefixtures("_recent")
def test_the_same_said_twice(run: Run, tmp_path: Path) -> None:
    """Two reports of a period that is over say the same, and are told so, whatever their form."""
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0).isoformat()
    for number, form in enumerate(("text", "html")):
        path = str(tmp_path / f"report-{number}")
        run("--since", "1d", "--until", until, "--format", form, "--out", path)
    assert "reports that say the same: 1\n" in run("--verify", str(tmp_path / "report-1"))[1]


@pytest.mark.usefixtures("_recent")
def test_a_chain_of_another_edge_or_of_none(run: Run, tmp_path: Path) -> None:
    """A report of a chain that is gone is in none; the new one begins with a word of its own."""
    path = tmp_path / "report"
    run("--out", str(path))
    first = path.read_text()
    (tmp_path / "reports.chain").unlink()
    assert "not in this chain" in run("--verify", str(path))[1]
    assert "the chain is empty" in run("--verify", str(path))[1]
    run("--out", str(tmp_path / "other"))
    assert "not in this chain" in run("--verify", str(path))[1]
    begun = [line.rpartition("begun:")[2] for line in (first, (tmp_path / "other").read_text())]
    assert begun[0] != begun[1]


@pytest.mark.usefixtures("_recent")
@pytest.mark.parametrize("damage", ["changed", "dropped", "put in", "noise"])
def test_a_chain_that_was_tampered_with(run: Run, tmp_path: Path, damage: str) -> None:
    """An entry changed, dropped or put in breaks the chain there, and the command says where, with 1."""
    for number in range(4):
        run("--out", str(tmp_path / f"report-{number}"))
    chain = tmp_path / "reports.chain"
    lines = chain.read_text().splitlines(keepends=True)
    broken = {
        "changed": (lines[0].replace('"host":"', '"host":"x'), *lines[1:]),
        "dropped": (lines[0], *lines[2:]),
        "put in": (lines[0], lines[0], *lines[1:]),
        "noise": (lines[0], "nonsense\n", *lines[2:]),
    }[damage]
    chain.write_text("".join(broken))
    status, told, _ = run("--verify", str(tmp_path / "report-3"))
    assert status == 1
    assert "the chain is BROKEN at report 2" in told
    assert "unchanged since it was made" in told
    run("--out", str(tmp_path / "report-4"))
    assert "unchanged since it was made: report " in run("--verify", str(tmp_path / "report-4"))[1]


def test_a_chain_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    """The report is made all the same, says that it is in no chain, and a note says why."""
    (tmp_path / "reports.chain").mkdir()
    status, told, note = run()
    assert status == 0
    assert "in no chain of reports" in told
    assert "not in the chain of reports: cannot write the chain of reports" in note
    assert json.loads(run("--json")[1])["chain"] is None
    assert run("--verify", "/nonexistent")[0] == 2

"""The status page as HTML."""

import base64
import hashlib
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from domain_secure.milter.page.status_page import Links, StatusPage
from domain_secure.policy.history.history import History
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.record.history_item import Count, HistoryItem
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from lab.waiting import DEADLINE, wait_for
from unit.milter.status_documents import certificate, document, domain, latest, outcome, pending

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}</textarea>&amp;"
NO_CHECK: dict[str, Any] = {"findings": [], "not_looked_at": []}


class Reader(HTMLParser):
    """Reads a page as a browser does: elements with their attributes, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.raw: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        """Note text, apart from scripts and styles."""
        if self._open in {"script", "style"} and data.strip():
            self.raw[self._open] = data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        """Note that an element has ended."""
        del tag
        self._open = ""


def render(
    tmp_path: Path, view: Mapping[str, Any], query: str = "", check: Mapping[str, Any] = NO_CHECK
) -> tuple[Reader, dict[str, str]]:
    """Return the page with what ``check`` found, and its headers."""
    page = StatusPage(lambda: view, lambda: check, History(tmp_path))
    page.render(query)
    wait_for(lambda: page._check.last().taken, "check")
    headers, html = page.render(query)
    reader = Reader()
    reader.feed(html.decode())
    return reader, headers


def test_whatever_a_stranger_says_is_text(tmp_path: Path) -> None:
    """Markup, quotes and template syntax in any value of the document stay text."""
    bad = outcome(1, HOSTILE, HOSTILE)
    view = document(
        domain(HOSTILE, latest=latest("receive", bad, bad), mode="observe"),
        node=HOSTILE,
        configuration={"path": HOSTILE, "problem": HOSTILE},
        daemon={"problem": HOSTILE, "version": HOSTILE, "pid": 1, "configuration_in_force": HOSTILE},
        connectors=[
            {
                "name": HOSTILE,
                "direction": "send",
                "routing": HOSTILE,
                "fqdn": HOSTILE,
                "domain_secure": True,
                "state": "partly",
                "detail": HOSTILE,
                "tls": "none",
                "protocol_log": "off",
            }
        ],
        pending=[pending(HOSTILE, client=HOSTILE, settle=HOSTILE)],
        certificates=[certificate(HOSTILE, 3), certificate(HOSTILE, 3, HOSTILE)],
        revocation_lists=[certificate("", 3) | {"issuer": HOSTILE}],
        fleet_status={
            "here": {"revision": 3},
            "head": {"revision": 4, "at": HOSTILE, "what": HOSTILE},
            "store_problem": HOSTILE,
            "nodes": [
                {
                    "node": HOSTILE,
                    "state": HOSTILE,
                    "enforces_head": False,
                    "why_not": HOSTILE,
                    "version": None,
                }
            ],
        },
    )
    finding = {"severity": "error", "word": HOSTILE, "what": HOSTILE, "proof": HOSTILE, "fix": HOSTILE}
    check = {"findings": [finding], "not_looked_at": [{"what": HOSTILE, "why": HOSTILE}]}
    page, _ = render(tmp_path, view, check=check)
    assert page.text.count(HOSTILE) > 20
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_nothing_that_a_stranger_says_turns_the_text_around(tmp_path: Path) -> None:
    """Characters that control the direction of writing are shown as what they are not."""
    bad = outcome(1, "untrusted", "certificate for \u202egnp.elif\x00")
    page, _ = render(tmp_path, document(domain("a.test", latest=latest("receive", bad, bad))))
    assert "certificate for \ufffdgnp.elif\ufffd" in page.text


def test_hostile_queries_are_text(tmp_path: Path) -> None:
    """What stands behind the question mark is shown in the form as it is, and no more."""
    page, _ = render(tmp_path, document(domain("a.test")), "domain=%22%3E%3Cscript%3E&page=%00&show=x")
    (field,) = [attributes for tag, attributes in page.elements if attributes.get("id") == "domain"]
    assert field["value"] == '"><script>'
    page, _ = render(tmp_path, document(domain("a.test")), "domain=b&" + "&".join("x" * 100))
    assert "1 of 1 listed domains" in page.text


def test_the_policy_lets_only_our_own_style_and_script_run(tmp_path: Path) -> None:
    """Their digests are in the header; nothing else may be loaded, and nobody may frame the page."""
    page, headers = render(tmp_path, document())
    policy = headers["Content-Security-Policy"]
    for element in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[element].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [attributes for _, attributes in page.elements if "style" in attributes or "src" in attributes]
    assert all((attributes.get("href") or "/").startswith("/") for _, attributes in page.elements)


def test_the_page_can_be_read_without_seeing_it(tmp_path: Path) -> None:
    """Language, headings, headers of tables, names of fields and pictures."""
    write_history(tmp_path)
    page, _ = render(tmp_path, document(domain("a.test"), pending=[pending("a.test")]))
    by_tag: dict[str, list[dict[str, str | None]]] = {}
    for tag, attributes in page.elements:
        by_tag.setdefault(tag, []).append(attributes)
    assert by_tag["html"] == [{"lang": "en"}]
    assert len(by_tag["h1"]) == len(by_tag["main"]) == 1
    assert all(attributes.get("scope") for attributes in by_tag["th"])
    assert all(attributes.get("aria-label") for attributes in by_tag["svg"])
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert all(attributes.get("aria-labelledby") in ids for attributes in by_tag["section"])
    assert {attributes.get("for") for attributes in by_tag["label"]} <= ids | {None}


def test_history_of_a_partner(tmp_path: Path) -> None:
    """The last days as bars, with numbers for those who do not see them; the last messages of one partner."""
    write_history(tmp_path)
    page, _ = render(tmp_path, document(domain("a.test"), domain("b.test")), "domain=a.test")
    labels = {attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"}
    assert labels == {
        "They send, we receive, last seven days: 2 passed, 1 let in unproved",
        "Last seven days: 1 passed, 1 let in unproved",
    }
    assert "last let in unproved" not in page.text, "this is not known of a message that nobody attributed"
    assert "Last messages of a.test" in page.text
    assert "certificate has ended" in page.text
    assert "Last messages" not in render(tmp_path, document(domain("a.test"), domain("b.test")))[0].text


def test_a_history_that_cannot_be_read_costs_the_history_alone(tmp_path: Path) -> None:
    """The rest of the page is there, and says so."""
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 100)
    page, _ = render(tmp_path, document(domain("a.test")))
    assert "No history: " in page.text
    assert "a.test" in page.text


def test_pages_keep_what_was_asked(tmp_path: Path) -> None:
    """The link to the next page has the words of the form in it."""
    view = document(*(domain(f"p{number}&x.test") for number in range(120)))
    page, _ = render(tmp_path, view, "domain=%26x&page=2")
    links = {attributes["rel"]: attributes["href"] for _, attributes in page.elements if "rel" in attributes}
    assert links == {"prev": "/?domain=%26x&page=1", "next": "/?domain=%26x&page=3"}


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        ("proved", "● port 25 is proved"),
        ("stale", "▲ port 25 is not proved any more"),
        ("failed", "✕ port 25 is failed"),
        ("not-attached", "○ port 25 is not attached"),
    ],
)
def test_the_self_proof(tmp_path: Path, standing: str, told: str) -> None:
    """What was proved of port 25, and when; one that is stale is not shown as proved."""
    view = document()
    view["daemon"]["self_proof"] = {
        "standing": standing,
        "detail": HOSTILE,
        "tried": "2026-11-27T04:30:00+00:00",
    }
    text = " ".join(render(tmp_path, view)[0].text.split())
    assert f"{told} {HOSTILE}; tried 2026-11-27 04:30 UTC" in text
    view["daemon"]["self_proof"]["standing"] = None
    assert "port 25" not in render(tmp_path, view)[0].text


def test_check_that_could_not_run(tmp_path: Path) -> None:
    """The reason stands where the findings would."""

    gate = threading.Event()

    def fail() -> dict[str, Any]:
        gate.wait(DEADLINE)
        raise Problem("no time", "here", "wait")

    page = StatusPage(document, fail, History(tmp_path))
    assert b"running for the first time" in page.render("")[1]
    gate.set()
    wait_for(lambda: page._check.last().taken, "check")
    assert b"could not be run: " in page.render("")[1]


def write_history(folder: Path) -> None:
    """Keep a pass and a failure of a.test, and a pass of b.test."""
    writer = HistoryWriter(folder / FILE_NAME)
    now = datetime.now(UTC) - timedelta(hours=30)
    writer.write(
        [
            HistoryItem(
                now,
                Direction.RECEIVE,
                "decision",
                "4F2C1A0B",
                word,
                (Count(Entry(name), word, "accept", word == "pass"),),
                {"findings": [{"domain": name, "detail": "certificate has ended"}]},
            )
            for name, word in (("a.test", "pass"), ("a.test", "expired"), ("b.test", "pass"))
        ]
    )
    writer.close()


@pytest.mark.parametrize("acts", [(), ("connector", "pin", "promote", "bypass")])
def test_what_may_be_changed_is_offered(tmp_path: Path, acts: tuple[str, ...]) -> None:
    """Each act leads to its question, and only where it is offered; nothing on the page posts anything."""
    connector = {
        "name": "smtp/inet",
        "direction": "receive",
        "routing": None,
        "fqdn": "mail.contoso.test",
        "domain_secure": True,
        "state": "partly",
        "detail": "smtpd_tls_ask_ccert is no",
        "tls": "offered",
        "protocol_log": "off",
    }
    waiting = pending("a.test") | {"sha256": "sha256:ab", "spki_sha256": "spki-sha256:cd"}
    view = document(domain("a.test", mode="observe"), connectors=[connector], pending=[waiting])
    rule = {
        "table": None,
        "settings": {"mode": "observe"},
        "pins": [],
        "certificates": [],
        "problem": None,
    }
    page = StatusPage(
        lambda: view, lambda: NO_CHECK, History(tmp_path), lambda _: rule, Links(changes=lambda: acts)
    )
    html = "".join(page.render(query)[1].decode() for query in ("", "partner=a.test"))
    assert 'method="post"' not in html
    for sought in (
        "/change?act=connector&amp;subject=smtp%2Finet&amp;value=on",
        "/change?act=connector&amp;subject=smtp%2Finet&amp;value=off",
        "/change?act=pin&amp;subject=a.test&amp;value=spki-sha256%3Acd",
        "/change?act=promote&amp;subject=a.test",
        'name="act" value="bypass"',
    ):
        assert (sought in html) is bool(acts), sought
    assert "smtpd_tls_ask_ccert is no" in html

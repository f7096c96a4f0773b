"""What the status page shows, and in which order."""

from typing import Any

import pytest

from domain_secure.milter.page.states import State, moment
from domain_secure.milter.page.status_view import (
    PAGE,
    Query,
    all_partners,
    notices,
    own_endings,
    partners,
    verdict,
)

from unit.milter.status_documents import NOW, certificate, document, domain, latest, outcome, pending


def states(view: dict[str, Any], **asked: Any) -> list[tuple[str, State]]:
    """Return domains and their states in the order of the page."""
    return [(row.domain, row.state) for row in partners(view, Query(**asked), NOW).rows]


def test_worst_first() -> None:
    """Refused before what ends soon, before what goes well, before what was never seen."""
    view = document(
        domain("quiet.test"),
        domain("good.test", latest=latest("receive", outcome(1), outcome(30, "expired"))),
        domain("held.test", latest=latest("send", outcome(2, "sent"), outcome(1, "untrusted"))),
        domain("ending.test", latest=latest("receive", outcome(1), None)),
        domain("pending.test"),
        certificates=[certificate("ending.test", 20), certificate("quiet.test", 90)],
        pending=[pending("pending.test")],
    )
    assert states(view) == [
        ("held.test", State.FAILING),
        ("ending.test", State.ATTENTION),
        ("pending.test", State.ATTENTION),
        ("good.test", State.GOOD),
        ("quiet.test", State.QUIET),
    ]
    assert [name for name, _ in states(view, attention=True)] == ["held.test", "ending.test", "pending.test"]
    assert verdict(view, notices(view, None), NOW) == (State.FAILING, "1 thing and 3 partners need attention")


@pytest.mark.parametrize(
    ("success", "failure", "state", "word"),
    [
        (None, None, State.QUIET, "nothing yet"),
        (outcome(1), None, State.GOOD, "passes"),
        (outcome(1), outcome(2), State.GOOD, "passes"),
        (outcome(1.5), outcome(1, "name-mismatch"), State.ATTENTION, "last was refused"),
        (outcome(3), outcome(1, "expired"), State.FAILING, "is refused"),
        (None, outcome(1), State.FAILING, "is refused"),
    ],
)
def test_the_later_outcome_counts(
    success: dict[str, str] | None, failure: dict[str, str] | None, state: State, word: str
) -> None:
    """A partner passes if the last thing was a pass; a refusal soon after one may be that of a forger."""
    (row,) = partners(
        document(domain("a.test", latest=latest("receive", success, failure))), Query(), NOW
    ).rows
    assert row.receive
    assert (row.receive.state, row.receive.word) == (state, word)


def test_a_direction_that_is_not_listed_is_not_judged() -> None:
    """Old failures of a domain that was taken from a list do not count."""
    gone = domain("a.test", send=False, latest=latest("send", None, outcome(1)))
    (row,) = partners(document(gone), Query(), NOW).rows
    assert (row.send, row.state) == (None, State.QUIET)


def test_ten_thousand_partners_come_in_pages() -> None:
    """A page holds a few dozen; one past the end is the last one; a part of a name finds its domains."""
    view = document(*(domain(f"partner-{number:05d}.test") for number in range(10_000)))
    first = partners(view, Query(), NOW)
    assert (len(first.rows), first.matching, first.pages) == (PAGE, 10_000, 10_000 // PAGE)
    assert partners(view, Query(page=999_999), NOW).rows[-1].domain == "partner-09999.test"
    found = partners(view, Query(domain="PARTNER-0123"), NOW)
    assert [row.domain for row in found.rows] == [f"partner-0123{digit}.test" for digit in range(10)]
    assert found.total == 10_000


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e9", "99999999999999999999", "١"])
def test_a_page_that_is_none_is_the_first(page: str) -> None:
    """Whatever a URL says, there is a page."""
    query = Query.parse({"page": [page]})
    assert partners(document(domain("a.test")), query, NOW).page == 1


def test_what_is_asked_for() -> None:
    """The words of the form."""
    query = Query.parse({"domain": [" a.test "], "show": ["attention"], "page": ["3"], "other": ["x"]})
    assert query == Query("a.test", True, 3)


def test_notices() -> None:
    """Everything that keeps the edge from being well is told, the worst first, with what to do."""
    view = document(
        configuration={"path": "x", "problem": "unknown key"},
        daemon={"problem": None, "tables_problem": "disk full"},
        connectors_problem="postconf is missing",
        history_problem="disk full",
        pending=[pending("a.test"), pending("b.test")],
        certificates=[
            certificate("ours.test", 5, "server,client"),
            certificate("old.test", -9, "unused"),
            certificate("partner.test", 1),
        ],
        revocation_lists=[certificate("x", -1) | {"issuer": "CN=CA"}],
    )
    told = notices(view, None)
    assert [notice.what for notice in told] == [
        "The configuration on disk is not in force: unknown key",
        "Postfix's tables are not those of the send list: disk full",
        "Our certificate ours.test (server,client): 5 days left",
        "Postfix cannot be asked: postconf is missing",
        "No history: disk full",
        "The revocation list of CN=CA has ended",
        "2 unknown certificates came with mail of listed domains",
    ]
    assert all(notice.fix for notice in told)
    assert [ending.state for ending in own_endings(view)] == [State.FAILING, State.QUIET, State.ATTENTION]


def test_findings_are_notices() -> None:
    """Errors and warnings of ``check`` need attention, notes do not."""
    found = [{"severity": one, "what": one, "fix": "mend"} for one in ("note", "warning", "error")]
    told = notices(document(), {"findings": found, "not_looked_at": []})
    assert [(notice.state, notice.what) for notice in told] == [
        (State.FAILING, "error"),
        (State.ATTENTION, "warning"),
    ]


def test_all_is_well() -> None:
    """And it is said; so is that nothing is listed."""
    view = document(domain("a.test", latest=latest("receive", outcome(1), None)))
    assert verdict(view, notices(view, None), NOW) == (State.GOOD, "all is well")
    assert verdict(document(), (), NOW) == (State.QUIET, "no domain is listed yet")


@pytest.mark.parametrize(
    ("hours", "ago"),
    [(0, "just now"), (0.02, "1 minute ago"), (1.5, "1 hour ago"), (47, "1 day ago"), (72, "3 days ago")],
)
def test_how_long_ago(hours: float, ago: str) -> None:
    """In the largest unit that fits."""
    assert moment(outcome(hours)["time"], NOW).ago == ago


@pytest.mark.parametrize(
    ("waiting", "success", "failure", "state", "word"),
    [
        (0, outcome(1), None, State.GOOD, "is delivered"),
        (2, outcome(1), None, State.FAILING, "2 messages held"),
        (1, None, None, State.FAILING, "1 message held"),
        (0, None, outcome(1), State.FAILING, "last session failed"),
        (None, None, outcome(1), State.FAILING, "last session failed, held or not is not known"),
        (None, None, None, State.QUIET, "nothing yet"),
    ],
)
def test_mail_that_waits_is_held(
    waiting: int | None,
    success: dict[str, str] | None,
    failure: dict[str, str] | None,
    state: State,
    word: str,
) -> None:
    """Whatever the last message came to; what was returned is not held."""
    one = domain("x.test", receive=False, waiting=waiting, latest=latest("send", success, failure))
    (row,) = all_partners(document(one), NOW)
    assert row.send is not None
    assert (row.state, row.send.state, row.send.word, row.waiting) == (state, state, word, waiting)
    assert (verdict(document(one), (), NOW)[1] == "all is well") is (state in {State.GOOD, State.QUIET})

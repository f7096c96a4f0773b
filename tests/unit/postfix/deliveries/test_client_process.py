"""The table of which lines belong together, row by row and as a whole."""

import json
from typing import get_args

import pytest

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.postfix.deliveries.client_line import (
    ClientLine,
    DetailLine,
    FailureLine,
    LastFailureLine,
    RemarkLine,
    StatusLine,
    SummaryLine,
    UnknownLine,
)
from domain_secure.postfix.deliveries.client_process import TABLE, ClientProcess, Established, Failed, State
from domain_secure.postfix.deliveries.process_document import process_document, process_of
from domain_secure.postfix.log_lines.failure_text import PeerDetail, Unsettled

from unit.postfix.log_lines import RELAY, SECOND

STAMP = "2026-11-25T10:00:00+00:00"
QUEUE_ID, REQUEST, OTHER_REQUEST = "10B773D", "10B773D 0.01/0.01", "20B773D 0.01/0.01"
DETAIL = PeerDetail(RELAY, FailureReason.EXPIRED, "why")
SUMMARY = SummaryLine(STAMP, "line", "Trusted TLS connection established to …", SECOND)
FAILURE = FailureLine(STAMP, "line", "failed again", "", RELAY, Unsettled.ENDED, is_refusal=False)
WHY = DetailLine("line", DETAIL)
STATUS = StatusLine(QUEUE_ID, RELAY, REQUEST)
LAST = LastFailureLine(STAMP, "line", "failed for good", QUEUE_ID, RELAY, Unsettled.ENDED, False, REQUEST)


def failed(text: str = "failed", queue_id: str = QUEUE_ID, request: str = "") -> Failed:
    """Return a session that came to nothing."""
    cause = Unsettled.NOT_VERIFIED
    return Failed(
        STAMP, queue_id, RELAY, cause, [DETAIL], text, [text], chain_is_trusted=False, request=request
    )


def process(state: State, request: str = "") -> ClientProcess:
    """Return a process that said something of everything."""
    return ClientProcess(
        established={RELAY: Established(STAMP, "Verified TLS …", ["old"], request)},
        failed=[failed(request=request)],
        details=[DETAIL],
        lines=["old"],
        peer=RELAY,
        state=state,
    )


def test_each_state_has_a_row_for_each_line() -> None:
    """But for what a status line says of a failure: behind that line the process is never trying."""
    every = {(state, line) for state in State for line in get_args(ClientLine)}
    assert set(TABLE) == every - {(State.TRYING, LastFailureLine)}


@pytest.mark.parametrize(
    ("line", "sessions", "failures", "details", "lines"),
    [
        (SUMMARY, [RELAY, SECOND], ["failed"], [DETAIL], ["old", "line"]),
        (DetailLine("line", DETAIL), [RELAY], ["failed"], [DETAIL, DETAIL], ["old", "line"]),
        (FAILURE, [RELAY], ["failed", "failed again"], [], []),
        (RemarkLine("line"), [RELAY], ["failed"], [DETAIL], ["old", "line"]),
        (UnknownLine("line"), [RELAY], ["failed"], [DETAIL], ["old", "line"]),
    ],
)
def test_before_a_status_line_all_is_gathered(
    line: ClientLine, sessions: list[str], failures: list[str], details: list[PeerDetail], lines: list[str]
) -> None:
    """It is not known yet whose it is; a failure alone takes what was said of its session with it."""
    seen = process(State.TRYING)
    seen.take(line)
    assert list(seen.established) == sessions
    assert [one.text for one in seen.failed] == failures
    assert (seen.details, seen.lines, seen.state) == (details, lines, State.TRYING)


@pytest.mark.parametrize(
    ("line", "sessions", "failures", "details", "lines"),
    [
        (SUMMARY, [SECOND], [], [], ["line"]),
        (DetailLine("line", DETAIL), [], [], [DETAIL], ["line"]),
        (FAILURE, [], ["failed again"], [], []),
        (RemarkLine("line"), [], [], [], ["line"]),
        (UnknownLine("line"), [], [], [], ["line"]),
    ],
)
def test_after_a_status_line_all_begins_anew(
    line: ClientLine, sessions: list[str], failures: list[str], details: list[PeerDetail], lines: list[str]
) -> None:
    """What the process says now is of other sessions than those it has told of."""
    seen = process(State.TELLING, REQUEST)
    seen.take(line)
    assert list(seen.established) == sessions
    assert [one.text for one in seen.failed] == failures
    assert (seen.details, seen.lines, seen.state) == (details, lines, State.TRYING)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("owner", ["", REQUEST, OTHER_REQUEST])
def test_a_status_line_claims_what_is_nobodys(state: State, owner: str) -> None:
    """And is given what is its request's; another request's stays that one's."""
    seen = process(state, owner)
    before = seen.established[RELAY]
    seen.take(STATUS)
    is_ours = owner != OTHER_REQUEST
    assert seen.session(RELAY, REQUEST) is (before if is_ours else None)
    assert [one.text for one in seen.failures(REQUEST, "x.test")] == (["failed"] if is_ours else [])
    assert (before.request, seen.state) == (owner or REQUEST, State.TELLING)
    assert (seen.details, seen.lines) == ([DETAIL], ["old"])


def test_a_status_line_claims_no_session_with_another_relay() -> None:
    """Nor a failure that names another message; one that names none is its own."""
    seen = process(State.TRYING)
    seen.failed = [failed("other", "20B773D"), failed("any", "")]
    seen.take(StatusLine(QUEUE_ID, SECOND, REQUEST))
    assert seen.session(SECOND, REQUEST) is None
    assert seen.established[RELAY].request == ""
    assert [one.text for one in seen.failures(REQUEST, "x.test")] == ["any"]


def test_a_failure_is_told_once_for_each_entry() -> None:
    """Its recipients may belong to several."""
    seen = process(State.TELLING, REQUEST)
    seen.failed[0].told.append("x.test")
    assert list(seen.failures(REQUEST, "x.test")) == []
    assert list(seen.failures(REQUEST, "y.test")) == seen.failed


def test_the_last_hosts_failure_is_one_whoever_tells_it() -> None:
    """The first status line makes it the request's, with the lines before it; the others repeat it."""
    seen = process(State.TELLING, REQUEST)
    last = seen.take(LAST)
    assert last is not None
    assert (last.request, last.lines, last.details) == (REQUEST, ["old", "line"], [DETAIL])
    assert seen.take(LAST) is None
    assert seen.failed[1:] == [last]


def test_a_failure_knows_what_the_summary_said_of_the_chain() -> None:
    """Of the last session, for that is the one that failed."""
    seen = process(State.TRYING)
    assert [seen.take(line) for line in (SUMMARY, FAILURE)][1].chain_is_trusted  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "relay"), [([SUMMARY], SECOND), ([SUMMARY, FAILURE], ""), ([SUMMARY, FAILURE, WHY], RELAY)]
)
def test_a_failure_that_names_no_host_is_of_the_session_in_progress(
    before: list[ClientLine], relay: str
) -> None:
    """By what was said of its TLS since the session before it ended; nobody's where nothing was."""
    seen = ClientProcess()
    for line in before:
        seen.take(line)
    last = seen.take(
        FailureLine(STAMP, "line", "failed", QUEUE_ID, "", Unsettled.NO_HANDSHAKE, is_refusal=False)
    )
    assert last is not None
    assert last.relay == relay


@pytest.mark.parametrize("kind", [RemarkLine, UnknownLine])
def test_what_is_said_of_the_message_told_of_last_goes_on(kind: type[RemarkLine | UnknownLine]) -> None:
    """A server that refuses a recipient for now has not ended the session; another message's line is new."""
    for queue_id, sessions in ((QUEUE_ID, [RELAY]), ("20B773D", [])):
        seen = process(State.TRYING)
        seen.take(STATUS)
        seen.take(kind("line", queue_id))
        assert list(seen.established) == sessions


def test_relays_are_compared_as_hosts() -> None:
    """DNS repeats the spelling of the question, and a line about TLS is in lower case."""
    seen = ClientProcess()
    seen.take(SummaryLine(STAMP, "line", "Verified …", "mx1.woodgrovebank.test[198.51.100.20]:25"))
    for name in ("MX1.WoodgroveBank.Test", "mx1.woodgrovebank.test."):
        relay = f"{name}[198.51.100.20]:25"
        seen.take(StatusLine(QUEUE_ID, relay, REQUEST))
        assert seen.session(relay, REQUEST) is not None
    assert seen.session("mx1.woodgrovebank.test[198.51.100.21]:25", REQUEST) is None


@pytest.mark.parametrize("state", State)
def test_a_process_goes_through_json(state: State) -> None:
    """Between any two lines, as at a restart."""
    seen = process(state, REQUEST)
    again = process_of(json.loads(json.dumps(process_document(seen))))
    assert again == seen

"""Changes by the page: first a confirmation in words, then, once, the act.

Owns: the order of the checks, and what is told to whom.
Must not know: how an act is done, or what state there is; both are passed in.
Invariants: a GET changes nothing.  An act is done only for a request from our own page that carries a number
made for this act and the state it still starts from.  Each try is logged, with who and from where.
Sources: RFC 9110 section 9.2.1 (safe methods); OWASP, Cross-Site Request Forgery Prevention.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from domain_secure.policy.templates.html_template import file_as_markup, rendered
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import events
from .acts import Act, Kind
from .confirmations import Confirmations
from .forms import PATH, Answer, Posted
from .same_origin import foreign, led_here_by_others

_FOLDER = Path(__file__).parent
_NUMBER = "confirmation"
_MOST_FIELDS = 8


@dataclass(frozen=True, slots=True)
class State:
    """What an act starts from."""

    words: str  #: for a person
    digest: str  #: the same with all that counts, to be compared


@dataclass(frozen=True, slots=True)
class Order:
    """An act that was confirmed, as it goes to whoever does it."""

    act: Act
    state: str  #: the digest
    token: str  #: that the request showed
    who: str
    client: str


@dataclass(frozen=True, slots=True)
class Workings:
    """How acts are done: by others, who may refuse.

    *state* and *carry_out* raise Problem; the latter returns what was said about it, line by line.
    """

    offered: Callable[[], Collection[Kind]]
    state: Callable[[Act], State]
    carry_out: Callable[[Order], tuple[str, ...]]
    allowed: Callable[[], bool]  #: whether the configuration in force still lets the page change anything


class PageChanges:
    """Answers for the HTTP server, from any thread."""

    def __init__(
        self,
        workings: Workings,
        names: Collection[str],
        log: Callable[[Event], None],
        clock: Callable[[], float],
        *,
        is_tls: bool,
    ) -> None:
        self._workings = workings
        self._names = frozenset(names)
        self._log = log
        self._confirmations = Confirmations(clock)
        self._is_tls = is_tls

    @property
    def offered(self) -> Collection[Kind]:
        """Return what the page can offer."""
        return self._workings.offered()

    def confirm(self, query: str, site: str | None = None) -> Answer:
        """Return the page that says what an act would do; nothing is changed by it.

        *site* is the Sec-Fetch-Site of the request, None where it has none.
        """
        try:
            if led_here_by_others(site):
                raise _refusal("another page led here")
            act = self._act(query)
            state = self._workings.state(act)
        except Problem as problem:
            return _page(HTTPStatus.BAD_REQUEST, "Nothing was changed", problem=problem)
        number = self._confirmations.offer(act, state.digest)
        return _page(HTTPStatus.OK, "Confirm a change", act=act, state=state, number=number)

    def perform(self, posted: Posted) -> Answer:
        """Do what was confirmed, or say why not."""
        who = _user(posted.headers.get("authorization", ""))
        try:
            order = self._ordered(posted, who)
        except _AskedAlready as problem:
            self._log(events.refused(why=problem.what, who=who, client=posted.client))
            return _page(HTTPStatus.FORBIDDEN, "Asked for already", problem=problem)
        except Problem as problem:
            self._log(events.refused(why=problem.what, who=who, client=posted.client))
            return _page(HTTPStatus.FORBIDDEN, "Nothing was changed", problem=problem)
        about = {"act": order.act.kind, "subject": order.act.subject, "value": order.act.value}
        self._log(events.asked(**about, reason=order.act.reason, who=who, client=posted.client))
        try:
            said = self._workings.carry_out(order)
        except Problem as problem:
            self._log(events.refused(why=f"{problem.what}: {problem.where}", who=who, client=posted.client))
            is_unknown = problem.status is ExitStatus.NO_ANSWER
            title = "Not known whether it was done" if is_unknown else "Not done as it was asked for"
            return _page(HTTPStatus.CONFLICT, title, problem=problem)
        self._log(events.done(**about, who=who, client=posted.client))
        return _page(HTTPStatus.OK, "Done", act=order.act, said=said)

    def _ordered(self, posted: Posted, who: str) -> Order:
        """Return what is to be carried out; raises Problem for a request that is not to be believed."""
        if (why := foreign(posted.headers, self._names, is_tls=self._is_tls)) is not None:
            raise _refusal(why)
        fields = posted.body.decode("utf-8", "replace")
        act = self._act(fields)
        number = _one(fields, _NUMBER)
        expected = self._confirmations.take(number, act)
        if expected is None:
            if self._confirmations.was_taken(number, act):
                fix = "what came of it, the status page shows once it is done, and the log"
                raise _AskedAlready("its confirmation was used already", act.effect, fix)
            raise _refusal("its confirmation is too old, or is for something else")
        if self._workings.state(act).digest != expected:
            raise _refusal("somebody changed it since the page was shown")
        token = _credential(posted.headers.get("authorization", ""))
        return Order(act, expected, token, who, posted.client)

    def _act(self, query: str) -> Act:
        """Return the act that fields of a form name, where it is offered; raises Problem."""
        if not self._workings.allowed():
            raise Problem("this page may change nothing", "metrics.allow_changes", "use the command line")
        act = Act.parse({name: _one(query, name) for name in ("act", "subject", "value", "reason")})
        if act.kind not in self._workings.offered():
            raise Problem("there is no command for it in this release", act.kind, "use the command line")
        return act


class _AskedAlready(Problem):
    """The same form came before: by a second click, or because somebody let the answer be loaded again."""


def _refusal(why: str) -> Problem:
    return Problem(why, "the request", "go back to the status page and ask again")


def _one(query: str, name: str) -> str:
    """Return the value of a field that is there once; empty for any other number."""
    try:
        found = parse_qs(query, max_num_fields=_MOST_FIELDS).get(name, [])
    except ValueError:
        return ""
    return found[0] if len(found) == 1 else ""


def _user(authorization: str) -> str:
    """Return the user name that somebody gave beside the token; it is a word, and no proof."""
    name = _basic(authorization).partition(":")[0][:64]
    return name if name and name.isprintable() else "token"


def _credential(authorization: str) -> str:
    scheme, _, credential = authorization.partition(" ")
    return _basic(authorization).partition(":")[2] if scheme.lower() == "basic" else credential.strip()


def _basic(authorization: str) -> str:
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credential.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _page(status: HTTPStatus, title: str, **values: object) -> Answer:
    style, policy = _inline()
    empty = {"act": None, "state": None, "number": None, "said": (), "problem": None}
    html = rendered(_FOLDER / "change_page.html", title=title, style=style, path=PATH, **{**empty, **values})
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        # Without a referrer a browser would not say from where its form comes, either.
        "Referrer-Policy": "same-origin",
    }
    return Answer(status, headers, html.encode())


@lru_cache(maxsize=1)
def _inline() -> tuple[object, str]:
    style = file_as_markup(_FOLDER / "change_page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return style, "; ".join(policy)

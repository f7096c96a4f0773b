"""From the confirmation to the act, and every way in which it does not come to that."""

import base64
import re
from http import HTTPStatus
from urllib.parse import urlencode

import pytest

from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.milter.changes.confirmations import LIFE_SECONDS
from domain_secure.milter.changes.forms import Answer, Posted
from domain_secure.milter.changes.page_changes import Order, PageChanges, State, Workings
from domain_secure.milter.changes.same_origin import FORM
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import ExitStatus, Problem

OFF = {"act": "connector", "subject": "smtp/inet", "value": "off", "reason": ""}
TOKEN = "a token of some length"
BASIC = base64.b64encode(f"ann:{TOKEN}".encode()).decode()
HEADERS = {
    "host": "127.0.0.1:9797",
    "origin": "http://127.0.0.1:9797",
    "content-type": FORM,
    "authorization": f"Basic {BASIC}",
}


class Machine:
    """What can be changed, and what was."""

    def __init__(self) -> None:
        self.state = "on"
        self.allowed = True
        self.now = 0.0
        self.orders: list[Order] = []
        self.logged: list[Event] = []
        self.problem: Problem | None = None
        workings = Workings(
            lambda: (Kind.CONNECTOR, Kind.PIN),
            lambda act: State(f"{act.subject} is {self.state}", self.state),
            self._carry_out,
            lambda: self.allowed,
        )
        self.changes = PageChanges(workings, (), self.logged.append, lambda: self.now, is_tls=False)

    def _carry_out(self, order: Order) -> tuple[str, ...]:
        if self.problem:
            raise self.problem
        self.orders.append(order)
        self.state = order.act.value
        return ("changed master.cf",)

    def number(self, fields: dict[str, str] = OFF) -> str:
        """Return the number of a confirmation page."""
        answer = self.changes.confirm(urlencode(fields))
        assert answer.status is HTTPStatus.OK
        (number,) = re.findall(r'name="confirmation" value="([^"]+)"', answer.body.decode())
        return str(number)

    def post(self, number: str, fields: dict[str, str] = OFF, headers: dict[str, str] = HEADERS) -> Answer:
        """Send the form."""
        return self.changes.perform(
            Posted(headers, urlencode(fields | {"confirmation": number}).encode(), "127.0.0.1")
        )


def test_a_confirmed_act_is_done_once_and_logged() -> None:
    """With what was said about it, who did it, and from where; a reload of the answer does nothing."""
    machine = Machine()
    number = machine.number()
    answer = machine.post(number)
    assert answer.status is HTTPStatus.OK
    assert b"changed master.cf" in answer.body
    assert machine.orders == [Order(Act.parse(OFF), "on", TOKEN, "ann", "127.0.0.1")]
    assert [str(one) for one in machine.logged] == [
        "change-asked act=connector subject=smtp/inet value=off reason=- who=ann client=127.0.0.1",
        "change-done act=connector subject=smtp/inet value=off who=ann client=127.0.0.1",
    ]
    again = machine.post(number)
    assert again.status is HTTPStatus.FORBIDDEN
    assert len(machine.orders) == 1


def test_a_second_click_does_not_hear_that_nothing_was_changed() -> None:
    """It hears that it was asked for already; what was never done it does not hear that of."""
    machine = Machine()
    number = machine.number()
    machine.post(number)
    text = machine.post(number).body.decode()
    assert "Asked for already" in text
    assert "Nothing was changed" not in text
    assert machine.logged[-1].word == "change-refused"
    foreign = machine.number()
    machine.post(foreign, OFF | {"subject": "submission/inet"})
    assert b"Nothing was changed" in machine.post(foreign).body


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_only_our_own_page_leads_to_a_confirmation(site: str) -> None:
    """Another could lay it under the second click of two; an address that was typed leads there too."""
    machine = Machine()
    answer = machine.changes.confirm(urlencode(OFF), site)
    assert answer.status is HTTPStatus.BAD_REQUEST
    assert b"Do it" not in answer.body
    for own in ("same-origin", "none", None):
        assert b"Do it" in machine.changes.confirm(urlencode(OFF), own).body


def test_it_is_not_known_whether_it_was_done() -> None:
    """That is said, and not that it was refused."""
    machine = Machine()
    machine.problem = Problem("no answer comes", "/run/x", "look", ExitStatus.NO_ANSWER)
    assert b"Not known whether it was done" in machine.post(machine.number()).body


def test_the_page_says_what_will_change() -> None:
    """In words, with the state now; a browser lets its form go nowhere else, and says where it comes from."""
    answer = Machine().changes.confirm(urlencode(OFF))
    text = answer.body.decode()
    assert "Switch smtp/inet off: nobody checks any more" in text
    assert "As it is now: smtp/inet is on" in text
    assert "form-action &#39;self&#39;" not in text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"origin": ""}, {}),
        ({"origin": "null"}, {}),
        ({"origin": "http://["}, {}),
        ({"origin": "https://evil.test"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
        ({"host": "evil.test"}, {}),
        ({"content-type": "text/plain"}, {}),
        ({}, {"subject": "submission/inet"}),
        ({}, {"value": "on"}),
        ({}, {"act": "promote", "subject": "woodgrovebank.test", "value": ""}),
        ({}, {"subject": HEADERS["host"]}),
    ],
)
def test_what_is_refused(headers: dict[str, str], fields: dict[str, str]) -> None:
    """A foreign page, and an act other than the one that was confirmed; each try is logged."""
    machine = Machine()
    answer = machine.post(machine.number(), OFF | fields, HEADERS | headers)
    assert answer.status is HTTPStatus.FORBIDDEN
    assert b"Nothing was changed" in answer.body
    assert not machine.orders
    assert [one.word for one in machine.logged] == ["change-refused"]


def test_too_late() -> None:
    """A confirmation holds for a while."""
    machine = Machine()
    number = machine.number()
    machine.now = LIFE_SECONDS + 1
    assert machine.post(number).status is HTTPStatus.FORBIDDEN
    assert not machine.orders


def test_the_state_is_another() -> None:
    """What somebody changed meanwhile is not changed by what was confirmed before."""
    machine = Machine()
    number = machine.number()
    machine.state = "partly"
    assert machine.post(number).status is HTTPStatus.FORBIDDEN
    assert not machine.orders


def test_not_allowed_any_more() -> None:
    """The configuration in force counts, for the question and for the act."""
    machine = Machine()
    number = machine.number()
    machine.allowed = False
    assert machine.changes.confirm(urlencode(OFF)).status is HTTPStatus.BAD_REQUEST
    assert machine.post(number).status is HTTPStatus.FORBIDDEN


def test_a_repeated_field_is_none() -> None:
    """Two values of one name, of which two readers could take different ones, are no act."""
    machine = Machine()
    body = f"{urlencode(OFF)}&subject=submission%2Finet&confirmation={machine.number()}"
    assert machine.changes.perform(Posted(HEADERS, body.encode(), "x")).status is HTTPStatus.FORBIDDEN
    assert not machine.orders


def test_who_does_it_may_refuse() -> None:
    """That is told as it is: what was done is then not known here."""
    machine = Machine()
    machine.problem = Problem("the token is not the one in the file", "/t", "ask again")
    answer = machine.post(machine.number())
    assert answer.status is HTTPStatus.CONFLICT
    assert b"Not done as it was asked for" in answer.body
    assert [one.word for one in machine.logged] == ["change-asked", "change-refused"]

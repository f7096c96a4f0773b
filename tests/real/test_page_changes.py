"""Changes by the status page, in a real browser: what is confirmed switches Postfix; nothing else does."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote, urlencode

import pytest

from lab.browser import Browser
from lab.changes import LOG, changes_unit
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose
from lab.product import CONFIGURATION, USER, Product
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

TOKEN = "0123456789abcdef-of-the-laboratory"
TOKEN_FILE = CONFIGURATION.parent / "page.token"
HOST = "127.0.0.1:9797"
OFF = {"act": "connector", "subject": "smtp/inet", "value": "off", "reason": ""}
ORIGIN = {"Origin": f"http://{HOST}", "Content-Type": "application/x-www-form-urlencoded"}
LOOK = "document.body ? document.body.innerText : ''"


@pytest.fixture(scope="module")
def changing(lab: Lab) -> Iterator[Product]:
    """A daemon, which is no root, whose page may change something, and root's unit beside it."""
    made = Product(lab)
    made.install(WOODGROVE)
    made.stop()
    outside = lab.namespaces.outside(TOKEN_FILE)
    outside.write_text(f"{TOKEN}\n")
    lab.namespaces.run("chgrp", USER, TOKEN_FILE)
    outside.chmod(0o640)
    made.write(f'{made.text()}\n[metrics]\nallow_changes = true\ntoken_file = "{TOKEN_FILE}"\n')
    with changes_unit(lab.namespaces):
        made.serve()
        yield made


@pytest.fixture(scope="module")
def browser(changing: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser on Contoso's machine, whose user has given name and token."""
    with changing.lab.namespaces.network():
        made = Browser(tmp_path_factory.mktemp("chromium"))
    with made:
        made.go(f"http://ann:{quote(TOKEN)}@{HOST}/")
        yield made


def state(product: Product, name: str = "smtp/inet") -> str:
    """Return what Postfix says of a connector."""
    return str(json.loads(product.command("connector", "show", name, "--json").stdout)["state"])


def settled(product: Product, wanted: str) -> str:
    """Bring the connector there by the command line, and return its state."""
    product.command("connector", "set", "smtp/inet", f"domain-secure={wanted}")
    return state(product)


def ask(
    product: Product, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Ask the daemon with the token, and return status and text."""
    credentials = base64.b64encode(f"ann:{TOKEN}".encode()).decode()
    with closing(HTTPConnection("127.0.0.1", 9797, timeout=3 * DEADLINE)) as connection:
        with product.lab.namespaces.network():
            connection.connect()
        sent = {"Authorization": f"Basic {credentials}", **(headers or {})}
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def number(product: Product, act: dict[str, str] = OFF) -> str:
    """Return the number of a confirmation page."""
    status, text = ask(product, "GET", f"/change?{urlencode(act)}")
    assert status == 200, text
    (found,) = re.findall(r'name="confirmation" value="([^"]+)"', text)
    return str(found)


def claims(product: Product) -> int:
    """Return how Contoso answers to a stranger's message in Woodgrove's name, without TLS."""
    lab = product.lab
    sender, recipient = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as dialogue:
        return dialogue.message(sender, recipient, compose(sender, recipient).content).code


def press(browser: Browser, expression: str, wanted: str) -> str:
    """Click on something and return the text of the page that comes, once it says what is *wanted*."""
    browser.evaluate(f"{expression}.click()")
    wait_for(lambda: wanted in (browser.evaluate(LOOK) or ""), wanted, deadline=6 * DEADLINE)
    return str(browser.evaluate(LOOK))


def test_a_click_and_a_confirmation_switch_postfix(changing: Product, browser: Browser) -> None:
    """Off, mail in a partner's name is asked about no more; on again, it is refused as before."""
    assert settled(changing, "on") == "on"
    assert claims(changing) >= 500
    for value, words in (("off", "nobody checks any more"), ("on", "Postfix asks this daemon")):
        link = f"document.querySelector('a[href*=\"smtp%2Finet&value={value}\"]')"

        def offered(link: str = link) -> bool:
            browser.go(f"http://{HOST}/")
            return bool(browser.evaluate(f"{link} !== null"))

        wait_for(offered, f"the page to offer {value}")
        assert words in press(browser, link, "Confirm a change")
        before = state(changing)
        told = press(browser, "document.querySelector('button')", "Back to the status page")
        assert f"smtp/inet domain-secure: {before} -> {value}" in told
        assert state(changing) == value
        assert (claims(changing) >= 500) is (value == "on")
    assert browser.complaints == []
    asked = changing.lab.namespaces.outside(LOG).read_text()
    for value in ("off", "on"):
        line = f"change-done act=connector subject=smtp/inet value={value} who=ann client=127.0.0.1"
        assert line in changing.log()
        assert line in asked


@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        ({"Origin": ""}, {}),
        ({"Origin": "null"}, {}),
        ({"Origin": "http://evil.test"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Host": "evil.test:9797", "Origin": "http://evil.test:9797"}, {}),
        ({"Content-Type": "text/plain"}, {}),
        ({"Authorization": "Bearer guess"}, {}),
        ({}, {"confirmation": ""}),
        ({}, {"confirmation": "guessed"}),
        ({}, {"subject": "domain-secure/unix"}),
        ({}, {"act": "pin", "subject": WOODGROVE, "value": f"sha256:{'ab' * 32}"}),
    ],
)
def test_what_is_not_of_the_page_changes_nothing(
    changing: Product, headers: dict[str, str], changed: dict[str, str]
) -> None:
    """No or another origin, another name, no token, no number, and a number of another act."""
    assert settled(changing, "on") == "on"
    fields = OFF | {"confirmation": number(changing)} | changed
    sent = {name: value for name, value in (ORIGIN | headers).items() if value}
    status, _ = ask(changing, "POST", "/change", urlencode(fields), sent)
    assert status in {401, 403}
    assert state(changing) == "on"


def test_a_number_is_good_once_and_for_its_state(changing: Product) -> None:
    """Neither twice, nor after somebody else has changed it, nor by a GET."""
    assert settled(changing, "on") == "on"
    stale, spent = number(changing), number(changing)
    form = urlencode(OFF | {"confirmation": spent})
    ask(changing, "GET", f"/change?{form}")
    assert state(changing) == "on"
    assert ask(changing, "POST", "/change", form, ORIGIN)[0] == 200
    assert state(changing) == "off"
    for again in (spent, stale):
        settled(changing, "on" if again is spent else "off")
        before = state(changing)
        status, _ = ask(changing, "POST", "/change", urlencode(OFF | {"confirmation": again}), ORIGIN)
        assert status == 403
        assert state(changing) == before


def test_a_page_of_others_in_the_same_browser(changing: Product, browser: Browser) -> None:
    """The browser sends the token it knows; the form comes from elsewhere all the same."""
    assert settled(changing, "on") == "on"
    fields = OFF | {"confirmation": number(changing)}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="http://{HOST}/change">{inputs}</form>'
    browser.go(f"data:text/html,{quote(form)}")
    browser.evaluate("document.forms[0].submit()")
    wait_for(lambda: "change-refused" in changing.log(), "the refusal", context=changing.log)
    assert state(changing) == "on"
    browser.go("about:blank")


def test_root_believes_nobody(changing: Product) -> None:
    """Whoever has taken over the daemon's user may ask, and gets no more than the configuration allows."""
    lab = changing.lab
    act = OFF | {"value": "off"}
    assert settled(changing, "on") == "on"

    def order(**changes: object) -> str:
        document = {"format": 1, "act": act, "state": "0", "token": TOKEN, "who": "x", "client": "y"}
        return str(
            changing.lab.namespaces.run(
                *("runuser", "-u", changes.pop("user", USER), "--", "python3", "-c", _ASK),
                standard_input=json.dumps(document | changes),
            ).stdout
        )

    assert "somebody changed it" in order()
    assert "token is not the one" in order(token="guess")
    assert "no such act" in order(act={"act": "run", "subject": "id", "value": "", "reason": ""})
    assert "cannot be understood" in order(format=2)
    assert "cannot be asked" in order(user="nobody")
    lab.namespaces.run("chown", USER, CONFIGURATION)
    try:
        assert "not believed" in order()
    finally:
        lab.namespaces.run("chown", "root", CONFIGURATION)
    assert state(changing) == "on"


_ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    try:
        connection.connect("/run/domain-secure-changes/domain-secure")
    except PermissionError:
        sys.exit(print("cannot be asked"))
    connection.sendall(sys.stdin.buffer.read())
    connection.shutdown(socket.SHUT_WR)
    print(connection.makefile().read())
"""


def test_each_service_has_its_level_in_the_log(changing: Product) -> None:
    """Of what comes in by port 25 nothing is logged, once that is switched off for it alone."""
    assert settled(changing, "on") == "on"
    before = len(changing.log())
    claims(changing)
    changing.wait_for_log("decision verdict=no-tls", after=before)
    changing.command("connector", "set", "smtp/inet", "protocol-log=off")
    changing.settle()
    before = len(changing.log())
    claims(changing)
    changing.command("connector", "set", "smtp/inet", "protocol-log=verbose")
    changing.settle()
    assert "decision verdict" not in changing.log()[before:]
    claims(changing)
    changing.wait_for_log("decision verdict=no-tls", after=before)
    changing.command("connector", "set", "smtp/inet", "protocol-log=default")


def test_what_a_running_postfix_has_not_read_is_unknown(changing: Product) -> None:
    """Until it reads its files again, nobody can say what it does."""
    contoso = changing.lab.contoso
    assert settled(changing, "on") == "on"
    changing.lab.namespaces.run("touch", f"{contoso.layout.configuration}/master.cf")
    wait_for(lambda: state(changing) == "unknown", "the state to be unknown")
    contoso.reload()
    assert state(changing) == "on"

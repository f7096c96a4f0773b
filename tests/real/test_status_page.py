"""The status page in a real browser, beside a daemon that strangers talk to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.browser import Browser
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, WOODGROVE
from lab.messages import compose
from lab.product import Product
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

PAGE = "http://127.0.0.1:9797/"
HOSTILE = "<script>document.title='owned'</script>"
RECIPIENT = f"user@{CONTOSO}"
WIDTHS = {"wide": 1280, "phone": 390}


@pytest.fixture(scope="module")
def watched(product: Product) -> Product:
    """A daemon that has seen a partner, and a stranger with hostile certificate, HELO and sender."""
    lab = product.lab
    product.command("receive", "add", FABRIKAM)
    product.command("partner", "set", FABRIKAM, "mode=observe")
    hostile = lab.authority.issue(HOSTILE, dns_names=(f"{HOSTILE}.evil.test", "mail.evil.test"))
    product.command("partner", "cert", "add", WOODGROVE, lab.certificate_file(hostile, "hostile"))
    for issued in (lab.identities[WOODGROVE], None, hostile):
        sender = f"admin@{WOODGROVE}" if issued is not hostile else f'"{HOSTILE}"@{WOODGROVE}'
        helo = HOSTILE if issued is hostile else "client.test"
        with lab.connect(lab.contoso, ADDRESSES[EVIL], helo=helo) as dialogue:
            dialogue.starttls(lab.client_context(issued))
            dialogue.message(sender, RECIPIENT, compose(f"admin@{WOODGROVE}", RECIPIENT).content)
    wait_for(lambda: seen(product), "the history to have all three", context=product.log)
    return product


def seen(product: Product) -> bool:
    """Tell whether the last outcomes are those of the stranger and of the partner."""
    document = json.loads(product.command("status", "--json").stdout)
    (domain,) = [one for one in document["domains"] if one["domain"] == WOODGROVE]
    latest = domain["latest"]["receive"]
    return bool(latest["success"] and latest["failure"] and HOSTILE in latest["failure"]["detail"])


@pytest.fixture(scope="module")
def browser(watched: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser on Contoso's machine."""
    with watched.lab.namespaces.network():
        made = Browser(tmp_path_factory.mktemp("chromium"))
    with made:
        yield made


def test_the_page_shows_the_edge_and_nothing_of_a_stranger_runs(browser: Browser) -> None:
    """What is hostile in CN, SAN, HELO and sender is text; the browser's console has nothing to say."""
    browser.go(f"{PAGE}?domain={WOODGROVE}")
    text = browser.evaluate("document.body.innerText")
    assert WOODGROVE in text
    assert HOSTILE in text
    for words in ("is refused", "name-mismatch", "Last messages of", "domain-secure/unix", "smtp/inet"):
        assert words in text
    assert browser.evaluate("document.title").endswith(f"mail.{CONTOSO}")
    assert browser.evaluate("document.scripts.length") == 1
    assert browser.complaints == []


def test_what_check_found_is_there_after_a_while(browser: Browser) -> None:
    """The daemon runs ``check`` beside itself, and says what it could not look at."""
    browser.go(PAGE)

    def found() -> bool:
        browser.go(PAGE)
        return "as the daemon's user" in browser.evaluate(
            "document.getElementById('check').parentElement.innerText"
        )

    wait_for(found, "the findings", deadline=3 * DEADLINE)  # the daemon gives it two minutes


def test_it_refreshes_by_itself(browser: Browser) -> None:
    """With scripts, the content is replaced in place; nothing of it is blocked."""
    browser.go(PAGE)
    browser.evaluate("document.querySelector('main').dataset.old = 'yes'")
    browser.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wait_for(lambda: browser.evaluate("document.querySelector('main').dataset.old") is None, "new content")
    assert browser.evaluate("document.body.classList.contains('stale')") is False
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS)
def test_it_fits(browser: Browser, tmp_path: Path, size: str, scheme: str) -> None:
    """Nothing sticks out sideways, dark is dark and light is light, and without scripts all is there."""
    browser.look_like(WIDTHS[size], scheme)
    browser.scripts(allowed=False)
    try:
        browser.go(PAGE)
    finally:
        browser.scripts(allowed=True)
    assert browser.evaluate("document.documentElement.scrollWidth") == WIDTHS[size]
    red, green, blue = browser.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (red + green + blue > 600) is (scheme == "light")
    (tmp_path / f"{size}-{scheme}.png").write_bytes(browser.screenshot())
    assert WOODGROVE in browser.evaluate("document.body.innerText")

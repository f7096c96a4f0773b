"""The status page and the report in a real browser, after three months of made-up mail: can they be read?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain_secure.commands.serve import pages as served
from domain_secure.milter.page.http_server import HttpServer, Pages
from domain_secure.milter.page.status_page import Links, StatusPage
from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.history.history import History

from lab.browser import Browser
from lab.made_up_history import Story, names, write_history
from lab.waiting import wait_for

pytestmark = pytest.mark.real

LEAST = 4.5  #: WCAG 2.2, 1.4.3, and here for what is drawn as well
CHECK: dict[str, Any] = {
    "findings": [
        {"severity": one, "word": "word", "what": "what", "proof": "proof", "fix": "fix"}
        for one in ("error", "warning", "note")
    ],
    "not_looked_at": [{"what": "main.cf", "why": "no permission"}],
}
# For every element that has text of its own, and every shape: its colour on what lies behind it.
CONTRASTS = """(() => {
  const channels = text => { const found = text.match(/[\\d.]+/g).map(Number);
    return found.length === 3 ? [...found, 1] : found; };
  const luminance = ([red, green, blue]) => [red, green, blue].map(one => { one /= 255;
    return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => { for (let one = element; one; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) return colour; }
    return [255, 255, 255, 1]; };
  const found = {};
  document.querySelectorAll('details').forEach(one => { one.open = true; });
  const note = (element, text, ground) => {
    const [one, other] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const name = element.tagName + '.' + (element.getAttribute('class') || '');
    if (!(name in found) || ratio < found[name]) found[name] = ratio; };
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    if (!element.checkVisibility()) continue;
    if (Number(style.opacity) < 1) found[element.tagName + ' opacity'] = 0;
    const hasText = [...element.childNodes].some(one => one.nodeType === 3 && one.data.trim());
    if (hasText && !element.closest('svg') && !['SCRIPT', 'STYLE'].includes(element.tagName))
      note(element, channels(style.color), behind(element));
    if (element.closest('svg') && ['rect', 'text', 'path'].includes(element.tagName)) {
      const isFilled = style.fill !== 'none' && channels(style.fill)[3] > 0;
      const ground = behind(element.closest('svg').parentElement);
      const isSeen = isFilled && luminance(channels(style.fill)) !== luminance(ground);
      note(element, channels(isSeen ? style.fill : style.stroke), ground); }
    if (['INPUT', 'BUTTON'].includes(element.tagName))
      note(element, channels(style.borderTopColor), behind(element.parentElement)); }
  return found; })()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser beside a page that is served on loopback."""
    with Browser(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture(scope="module")
def story() -> Story:
    """Everything at once: an attack, a partner that is refused, one that is observed and in trouble."""
    return Story(60, attacked=True, refused=True, troubled=True)


@pytest.fixture(scope="module")
def address(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the pages are."""
    folder = tmp_path_factory.mktemp("state")
    authority = write_history(folder, story, datetime.now(UTC))
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    listed = ", ".join(f'"{name}"' for name in names(story))
    file = folder / "domain-secure.toml"
    file.write_text(
        f"[receive]\ndomains = [{listed}]\n[send]\ndomains = [{listed}]\n"
        f'[partner."{names(story)[2]}"]\nmode = "observe"\npins = ["sha256:{"ab" * 32}"]\n'
        f'[trust]\nca_file = "ca.pem"\n[paths]\nstate = "{folder}"\n[metrics]\nlisten = "127.0.0.1:9"\n'
    )
    configuration = load(file)

    page = StatusPage(
        lambda: served.running_document(configuration, 1000),
        lambda: CHECK,
        History(folder),
        lambda entry: served.partner_document(configuration, entry),
        Links(report=True, documents=tuple(served.documents())),
    )
    pages = Pages(bytes, dict, page.render, served.further_pages(lambda: configuration))
    server = HttpServer(("127.0.0.1", 0), pages, WebAccess())
    server.start()
    yield f"http://{server.address}"
    server.stop()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize("which", ["/", "/?partner={}", "/report?domain={}"])
def test_it_can_be_read(
    browser: Browser, address: str, story: Story, which: str, scheme: str, width: int
) -> None:
    """Every word and every bar has a contrast of 4.5:1 to its ground, and nothing sticks out sideways."""
    if scheme == "print":
        browser.look_printed(width)
    else:
        browser.look_like(width, scheme)
    browser.go(address + which.format(names(story)[2]))
    contrasts: dict[str, float] = browser.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert {name: round(one, 2) for name, one in contrasts.items() if one < LEAST} == {}
    if scheme != "print":
        assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.complaints == []


def test_what_a_reader_finds(browser: Browser, address: str, story: Story) -> None:
    """The refused partner is red, the one that is phished is not; the documents are there to read."""
    attacked, refused, observed = names(story)[:3]
    browser.look_like(1280, "light")

    def row(domain: str) -> str:
        browser.go(f"{address}/?partner={domain}")
        found: str = browser.evaluate("document.querySelector('.partners tbody').innerText")
        return found

    assert "✕ is refused" in row(refused)
    assert "● passes" in row(attacked)
    assert "40 forgeries refused" in row(attacked)
    assert "▲ is let in unproved" in row(observed)
    assert "✕ was returned" in row(observed)
    text = browser.evaluate("document.body.innerText")
    for words in ("Rule and pins", "sha256:abab", "192.0.2.3", "TLSv1.3", "report of the last 30 days"):
        assert words in text
    browser.go(f"{address}/docs/operation.md")
    wait_for(lambda: "Status page" in browser.evaluate("document.body.innerText"), "the document")

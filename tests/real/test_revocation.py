"""Revoked, not revoked, unknown: partners' certificates through real Postfix, lists and answers over HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from lab.certificates import DAY, Issued
from lab.files import put
from lab.laboratory import ADDRESSES, CONTOSO, FABRIKAM, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product
from lab.revocations import LIFTED, Pointers, delta_list, ocsp_answer, pem_list, revocation_list
from lab.smtp_client import Reply
from lab.waiting import wait_for
from lab.web_server import Page, WebServer

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
LISTS = f"""\
[receive]
domains = ["{WOODGROVE}"]
[send]
domains = ["{WOODGROVE}"]
[inbound]
probe_timeout = 60
"""
FILE = Path("/run/lab/lists.pem")


@pytest.fixture(scope="module")
def web(lab: Lab) -> Iterator[WebServer]:
    """Return a web server in the laboratory."""
    with lab.namespaces.network():
        made = WebServer(ADDRESSES[FABRIKAM], 80)
    with made:
        yield made


class Scene:
    """The product with a web server that certificates point to."""

    def __init__(self, product: Product, web: WebServer) -> None:
        self.product = product
        self.web = web
        self.authority = product.lab.authority

    def trust(self, *lines: str) -> None:
        """Set lines of the table *trust* and wait until they are in force."""
        self.product.reconfigure(LISTS, trust="\n".join(lines))

    def certificate(self, name: str, *, ocsp: bool = False) -> Issued:
        """Return a certificate of Woodgrove's, known to the product, that points to ``/NAME``."""
        url = f"http://{ADDRESSES[FABRIKAM]}/{name}"
        pointers = Pointers(responders=(url,)) if ocsp else Pointers(lists=(url,))
        issued = self.authority.issue(WOODGROVE, dns_names=(WOODGROVE,), extensions=pointers)
        path = self.product.lab.certificate_file(issued, f"revocation-{name}")
        self.product.command("partner", "cert", "add", WOODGROVE, path)
        return issued

    def send(self, issued: Issued) -> Reply:
        """Send one message of Woodgrove's with this certificate."""
        lab = self.product.lab
        message = compose(SENDER, RECIPIENT)
        return lab.send(
            lab.contoso,
            message,
            source=ADDRESSES[WOODGROVE],
            sender=SENDER,
            recipient=RECIPIENT,
            tls=lab.client_context(issued),
        )

    def expired(self, *revoked: Issued) -> bytes:
        """Return a list that is past its next update."""
        now = datetime.now(UTC)
        return revocation_list(self.authority, *revoked, this_update=now - 9 * DAY, next_update=now - 2 * DAY)


@pytest.fixture
def scene(product: Product, web: WebServer) -> Scene:
    """Return the scene; private addresses may be asked, as the laboratory has no others."""
    made = Scene(product, web)
    made.trust("fetch_private = true")
    return made


def is_revoked(reply: Reply) -> bool:
    """Tell whether a message was refused because its certificate is revoked."""
    return str(reply).startswith("550 5.7.5") and "(revoked)" in str(reply)


def is_unknown(reply: Reply) -> bool:
    """Tell whether a message was deferred because nobody knows."""
    return str(reply).startswith("451 4.7.5") and "(revocation-unknown)" in str(reply)


@pytest.mark.parametrize("revocation", ["prefer", "require"])
def test_list_of_the_distribution_point(scene: Scene, revocation: str) -> None:
    """A fresh list lets the one in and refuses the other, and is fetched once."""
    scene.trust("fetch_private = true", f'revocation = "{revocation}"')
    name = f"fresh-{revocation}.crl"
    good, bad = (scene.certificate(name) for _ in range(2))
    content = revocation_list(scene.authority, bad)
    (entry,) = x509.load_der_x509_crl(content)
    scene.web.pages[f"/{name}"] = Page(content)
    assert scene.send(good).code == 250
    if revocation == "prefer":
        # A message waits no longer than a second for a list that is not there yet.
        wait_for(lambda: is_revoked(scene.send(bad)), "the list to count")
    reply = scene.send(bad)
    assert is_revoked(reply), str(reply)
    day = f"{entry.revocation_date_utc:%Y-%m-%d}"
    assert f"revoked on {day} because of a compromised key, by CRL" in str(reply)
    assert scene.send(good).code == 250
    assert scene.web.asked[f"/{name}"] == 1
    sample = 'domain_secure_crl_next_update_timestamp_seconds{issuer="CN=Laboratory Authority"}'
    wait_for(lambda: sample in scene.product.metrics(), "the metric")
    explained = scene.product.command(
        "explain",
        *("--from", SENDER, "--client", ADDRESSES[WOODGROVE], "--fingerprint", good.fingerprint),
    )
    assert "not revoked as of" in explained.stdout


def test_list_that_is_out_of_date(scene: Scene) -> None:
    """It counts as unknown: let in where revocation is preferred, deferred where it is required."""
    issued = scene.certificate("late.crl")
    scene.web.pages["/late.crl"] = Page(scene.expired())
    assert scene.send(issued).code == 250
    scene.trust("fetch_private = true", 'revocation = "require"')
    reply = scene.send(issued)
    assert is_unknown(reply), str(reply)
    scene.trust("fetch_private = true", 'revocation = "off"')
    assert scene.send(issued).code == 250


def test_list_of_a_file(scene: Scene) -> None:
    """A file answers without any fetching, a changed one is read again, and ``check`` sees when it ends."""
    file = scene.product.lab.namespaces.outside(FILE)
    issued = scene.certificate("nobody.crl")
    put(file, pem_list(revocation_list(scene.authority, issued)))
    scene.trust(f'crl_files = ["{FILE}"]', 'revocation = "require"')
    assert is_revoked(scene.send(issued))
    put(file, pem_list(revocation_list(scene.authority, number=2)))
    wait_for(lambda: scene.send(issued).code == 250, "the new list to count")
    put(file, scene.expired())
    wait_for(lambda: is_unknown(scene.send(issued)), "the list's end to count")
    findings = json.loads(scene.product.command("check", "--json", check=False).stdout)["findings"]
    assert ("error", "crl-expired") in {(one["severity"], one["word"]) for one in findings}


def test_revocation_outlives_its_list(scene: Scene) -> None:
    """A list that has ended still keeps out whom it lists, where revocation is merely preferred as well."""
    file = scene.product.lab.namespaces.outside(FILE)
    issued = scene.certificate("gone.crl")
    file.write_bytes(scene.expired(issued))
    scene.trust(f'crl_files = ["{FILE}"]')
    reply = scene.send(issued)
    assert is_revoked(reply), str(reply)
    assert "nothing newer lifts it" in str(reply)
    file.write_bytes(pem_list(scene.expired(issued)) + pem_list(revocation_list(scene.authority, number=2)))
    wait_for(lambda: scene.send(issued).code == 250, "the newer list to count")


def test_delta_list_beside_its_base(scene: Scene) -> None:
    """In a file it amends the complete list that does not point to it, in both directions."""
    file = scene.product.lab.namespaces.outside(FILE)
    issued = scene.certificate("base.crl")
    number = issued.certificate.serial_number
    base = pem_list(revocation_list(scene.authority, number=1))
    file.write_bytes(base)
    scene.trust(f'crl_files = ["{FILE}"]', 'revocation = "require"')
    assert scene.send(issued).code == 250
    file.write_bytes(base + pem_list(delta_list(scene.authority, issued, base=1, number=2)))
    wait_for(lambda: is_revoked(scene.send(issued)), "the delta list to count")
    lifted = delta_list(scene.authority, issued, base=1, number=3, reasons={number: LIFTED})
    file.write_bytes(base + pem_list(lifted))
    wait_for(lambda: scene.send(issued).code == 250, "removeFromCRL to count")


def test_ocsp_responder(scene: Scene) -> None:
    """What a responder says counts as a list does."""
    good, bad = scene.certificate("good", ocsp=True), scene.certificate("bad", ocsp=True)
    scene.web.pages["/good"] = Page(answer=lambda _: ocsp_answer(good, scene.authority))
    scene.web.pages["/bad"] = Page(answer=lambda _: ocsp_answer(bad, scene.authority, "revoked"))
    scene.trust("fetch_private = true", 'revocation = "require"')
    assert scene.send(good).code == 250
    assert is_revoked(scene.send(bad))


def test_private_addresses_are_not_asked(scene: Scene) -> None:
    """By default nothing is sent to an address that is not of the public Internet."""
    scene.trust()
    issued = scene.certificate("private.crl")
    scene.web.pages["/private.crl"] = Page(revocation_list(scene.authority, issued))
    assert scene.send(issued).code == 250
    assert scene.web.asked["/private.crl"] == 0
    scene.product.wait_for_log("revocation-not-fetched url=http://198.51.100.30/private.crl")


def test_missing_issuer(own_product: Product) -> None:
    """A certificate without its intermediate waits until that was got where it says, and then passes."""
    with own_product.lab.namespaces.network():
        web = WebServer(ADDRESSES[FABRIKAM], 80)
    with web:
        scene = Scene(own_product, web)
        scene.trust("fetch_private = true")
        below = scene.authority.authority("Laboratory Intermediate")
        pointers = Pointers(issuers=(f"http://{ADDRESSES[FABRIKAM]}/below.cer",))
        issued = below.issue(WOODGROVE, dns_names=(WOODGROVE,), extensions=pointers)
        alone = Issued(issued.certificate, issued.key)
        path = own_product.lab.certificate_file(alone, "without-intermediate")
        own_product.command("partner", "cert", "add", WOODGROVE, path)
        web.pages["/below.cer"] = Page(below.der)
        scene.trust()
        reply = scene.send(alone)
        assert str(reply).startswith("451 4.7.5"), str(reply)
        assert "(unknown-certificate)" in str(reply)
        assert not web.asked
        scene.trust("fetch_private = true")
        own_product.stop()
        own_product.serve()
        assert scene.send(alone).code == 250
        assert web.asked["/below.cer"] == 1
    own_product.kill()
    own_product.serve()
    assert scene.send(alone).code == 250


def locations(product: Product, status: int) -> dict[str, dict[str, str]]:
    """Let the daemon fetch everything, and return each location's result by the last part of its URL."""
    done = product.command("cert", "revocation", "refresh", "--json", check=False)
    assert done.returncode == status, done.stderr
    found = json.loads(done.stdout)["locations"]
    return {one["url"].rpartition("/")[2]: one for one in found}


def test_refresh_by_hand(own_product: Product) -> None:
    """A revocation that was published a moment ago counts as soon as the command returns."""
    with own_product.lab.namespaces.network():
        web = WebServer(ADDRESSES[FABRIKAM], 80)
    with web:
        scene = Scene(own_product, web)
        scene.trust("fetch_private = true")
        issued = scene.certificate("now.crl")
        web.pages["/now.crl"] = Page(revocation_list(scene.authority))
        assert scene.send(issued).code == 250
        web.pages["/now.crl"] = Page(revocation_list(scene.authority, issued, number=2))
        assert scene.send(issued).code == 250
        assert locations(own_product, 0)["now.crl"]["result"] == "fetched"
        assert is_revoked(scene.send(issued))
        other = scene.certificate("large.crl")
        web.pages["/large.crl"] = Page(b"x" * (16 * 1024 * 1024 + 1))
        found = locations(own_product, 1)
        assert found["now.crl"]["result"] == "fetched"
        assert found["large.crl"]["detail"] == "it is larger than 16 MiB"
        shown = own_product.command("cert", "revocation", "refresh", check=False)
        assert "failed: it is larger than 16 MiB" in shown.stdout
        assert "in parts" in shown.stderr
        document = json.loads(own_product.command("check", "--json", check=False).stdout)
        (finding,) = [one for one in document["findings"] if one["word"] == "revocation-not-fetched"]
        assert finding["severity"] == "warning"
        assert "large.crl: it is larger than 16 MiB" in finding["proof"]
        explained = own_product.command(
            "explain",
            *("--from", SENDER, "--client", ADDRESSES[WOODGROVE], "--fingerprint", other.fingerprint),
        )
        assert "large.crl: it is larger than 16 MiB; ask the authority for lists in parts" in explained.stdout
    assert set(locations(own_product, 3)) == {"now.crl", "large.crl"}
    own_product.stop()
    silent = own_product.command("cert", "revocation", "refresh", check=False)
    assert silent.returncode == 3
    assert "the daemon does not answer" in silent.stderr


def test_what_was_fetched_survives_a_killed_daemon(own_product: Product) -> None:
    """After ``kill -9`` and without the web server the revoked certificate stays refused."""
    with own_product.lab.namespaces.network():
        web = WebServer(ADDRESSES[FABRIKAM], 80)
    with web:
        scene = Scene(own_product, web)
        # A message waits for the list as long as it takes.
        scene.trust("fetch_private = true", 'revocation = "require"')
        issued = scene.certificate("kept.crl")
        web.pages["/kept.crl"] = Page(revocation_list(scene.authority, issued))
        assert is_revoked(scene.send(issued))
    own_product.kill()
    own_product.serve()
    assert is_revoked(scene.send(issued))

"""What the daemon asks others for: DNS dead, silent or lying, a list of revocations that hangs, etcd gone."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from .ledger import Kind
from .load import Load, Sender, senders
from .requirements import why_not
from .scene import Scene
from lab import etcd as etcd_servers
from lab.edge import Edge
from lab.etcd import Etcd
from lab.laboratory import ADDRESSES, EVIL, FABRIKAM, WOODGROVE, Lab
from lab.product import Product
from lab.revocations import Pointers, revocation_list
from lab.web_server import Page, WebServer
from promises import Part, Promise

_STORE_ADDRESS = "192.0.2.1"
_BOTH = f'[receive]\ndomains = ["{WOODGROVE}"]\n[send]\ndomains = ["{WOODGROVE}"]\n'
_DANE = f'[partner."{WOODGROVE}"]\nmethods = ["dane"]\nsend_method = "dane"\n'


def dns(quick: bool) -> list[Promise]:
    """The partner is known by its TLSA records alone, and the daemon starts anew under the fault."""
    with Scene.made("dns", _by_dane) as scene:
        seconds = 2 if quick else 6
        found = scene.under("DNS dead", partial(_dead, scene), seconds)
        if quick:
            return found
        found += scene.under("DNS silent", partial(_silent, scene), seconds)
        return found + scene.under("DNS lies", partial(_lying, scene), seconds)


def _by_dane(product: Product) -> None:
    # Postfix asks for each client's name itself, and waits for that; this is not about Postfix.
    product.lab.contoso.configure(smtpd_peername_lookup="no")
    product.lab.contoso.reload()
    product.lab.publish_key(product.lab.identities[WOODGROVE])
    product.configure(_DANE)


def _start_anew(scene: Scene) -> None:
    """Let the daemon forget what it was told before."""
    scene.product.stop()
    scene.product.serve()


@contextmanager
def _dead(scene: Scene, _: Load) -> Iterator[None]:
    scene.lab.dns.stop()
    _start_anew(scene)
    try:
        yield
    finally:
        scene.lab.dns.start()


@contextmanager
def _silent(scene: Scene, _: Load) -> Iterator[None]:
    with scene.lab.dns.silent():
        _start_anew(scene)
        yield


@contextmanager
def _lying(scene: Scene, _: Load) -> Iterator[None]:
    lies = (f"{WOODGROVE}. 1 MX 10 mail.{EVIL}.", f"mail.{WOODGROVE}. 1 A {ADDRESSES[EVIL]}")
    with scene.lab.dns.lying(WOODGROVE, *lies):
        _start_anew(scene)
        yield


def revocation(quick: bool) -> list[Promise]:
    """Revocation is required; the server of the lists takes connections, and says nothing."""
    with Scene.made("revocation") as scene, _web(scene.lab) as web:
        scene.product.reconfigure(_BOTH, trust='revocation = "require"\nfetch_private = true')
        everybody = tuple(
            replace(sender, tls=_pointing(scene, web, f"list{number}"))
            if sender.kind is Kind.PARTNER
            else sender
            for number, sender in enumerate(senders(scene.lab))
        )
        hung = Scene(scene.part, scene.product, everybody)
        return hung.under("CRL server hangs", partial(_hanging, scene, web), 2 if quick else 8)


@contextmanager
def _web(lab: Lab) -> Iterator[WebServer]:
    with lab.namespaces.network():
        made = WebServer(ADDRESSES[FABRIKAM], 80)
    with made:
        yield made


def _pointing(scene: Scene, web: WebServer, name: str) -> object:
    """Return a client with a certificate of Woodgrove's, known to the product, with a list of its own."""
    pointers = Pointers(lists=(f"http://{ADDRESSES[FABRIKAM]}/{name}",))
    issued = scene.lab.authority.issue(WOODGROVE, dns_names=(WOODGROVE,), extensions=pointers)
    web.pages[f"/{name}"] = Page(revocation_list(scene.lab.authority))
    path = scene.lab.certificate_file(issued, name)
    scene.product.command("partner", "cert", "add", WOODGROVE, path)
    return scene.lab.client_context(issued)


@contextmanager
def _hanging(scene: Scene, web: WebServer, load: Load) -> Iterator[None]:
    gate = threading.Event()
    for page in web.pages.values():
        page.gate = gate
    # One whose list nobody has asked for yet, beside those whose lists are known.
    partner = next(sender for sender in senders(scene.lab) if sender.kind is Kind.PARTNER)
    context = _pointing(scene, web, "late")
    web.pages["/late"].gate = gate
    late: Sender = replace(partner, tls=context)  # type: ignore[arg-type]
    load.join(late)
    try:
        yield
    finally:
        gate.set()


def fleet(quick: bool) -> list[Promise]:
    """An edge of a fleet whose store is killed; the second time the daemon starts anew without it."""
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        Path(folder).chmod(0o755)
        lab.namespaces.add_address(_STORE_ADDRESS)
        etcd = Etcd(lab.namespaces, Path(folder) / "etcd", _STORE_ADDRESS, members=1)
        etcd.start()
        admin = Edge(lab.namespaces, Path(folder) / "administrator", etcd.access, 9700, shared=_BOTH)
        admin.command("fleet", "init")
        product = Product(lab)
        product.configure(etcd.access.settings("mail"))
        for file in Path(folder, "etcd").glob("*.pem"):
            file.chmod(0o644)
        product.command("fleet", "join")
        product.command("partner", "cert", "add", WOODGROVE, f"/run/lab/certificates/{WOODGROVE}.pem")
        product.command("generate")
        product.attach()
        product.serve()
        scene = Scene("fleet", product)
        found = scene.under("etcd gone", partial(_gone, scene, etcd), 2 if quick else 6)
        if quick:
            return found
        return found + scene.under("etcd gone, daemon anew", partial(_gone, scene, etcd, starts_anew=True), 6)


@contextmanager
def _gone(scene: Scene, etcd: Etcd, _: Load, *, starts_anew: bool = False) -> Iterator[None]:
    etcd.kill()
    try:
        if starts_anew:
            _start_anew(scene)
        yield
    finally:
        etcd.start()


PARTS = {
    "dns": Part(dns, why_not),
    "revocation": Part(revocation, why_not),
    "fleet": Part(fleet, lambda: why_not(*etcd_servers.PROGRAMS)),
}

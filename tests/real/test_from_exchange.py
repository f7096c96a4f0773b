"""The walk-through of Exchange's Domain Security, for two edges, as docs/from-exchange.md tells it."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.namespaces import environment
from lab.product import COMMAND, Product
from lab.second_edge import two_edges
from lab.waiting import wait_for
from machines.inside.document_reader import Command, File, is_shown, sections

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "from-exchange.md"
EXCHANGE = ROOT / "tests" / "data" / "importing" / "contoso"
WORK = Path("/run/lab/work")
#: What makes Postfix read its configuration anew, which has to be over before mail comes.
RELOADING = ("domain-secure attach", "domain-secure detach", "domain-secure cert import")
_IMPORTED = re.compile(r"(?m)^imported +([0-9A-F]{40})$")
OURS, THEIRS = f"user@{CONTOSO}", f"admin@{WOODGROVE}"


class Others:
    """Contoso's two edges, and what everybody else does meanwhile."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.edges: dict[str, Product] = dict(zip(("mail1", "mail2"), two_edges(lab), strict=True))
        for name in self.edges:
            lab.namespaces.outside(WORK / name).mkdir(parents=True)
        self.thumbprints: dict[str, str] = {}  #: of the certificate that an edge imported last
        self.files = {name: _files(edge) for name, edge in self.edges.items()}
        self.events: dict[str, Callable[[], None]] = {
            "the daemon runs on both edges": self._serve,
            "the files of Exchange are copied to mail1": self._copy_exchange,
            "the authority signs both requests": self._sign,
            "one of us writes to the partner by each edge": self._we_write,
            "the partner's certificate is copied to both edges": self._copy_certificate,
            "the partner writes to each edge": self._partner_writes,
            "a forgery is let in by each edge": lambda: self._forge(250),
            "a forgery is refused by each edge": lambda: self._forge(530),
            "Postfix's files are as they were": self._compare,
        }

    def type(self, name: str, command: Command) -> str:
        """Type a command on one edge, with its status and what it shows as the document has them."""
        edge = self.edges[name]
        text = command.text.replace("THUMBPRINT", self.thumbprints.get(name, ""))
        variables = {
            "DOMAIN_SECURE_CONFIG": str(edge.place.configuration),
            "PATH": f"{COMMAND.parent}:{environment()['PATH']}",
        }
        is_reloading = command.text.startswith(RELOADING) and "--dry-run" not in command.text
        with edge.host.reloaded() if is_reloading else nullcontext():
            done = self.lab.namespaces.run(
                "sh",
                "-c",
                f"cd {WORK / name} && {{ {text}\n}} 2>&1",
                check=False,
                variables=variables,
            )
        where = f"{DOCUMENT.name}:{command.line} on {name}"
        print(f"{where}: # {command.text}\n{done.stdout}")
        assert done.returncode == command.status, f"{where}: {command.text}\n{done.stdout}"
        if (imported := _IMPORTED.search(done.stdout)) is not None:
            self.thumbprints[name] = imported[1]
        assert not command.shown or is_shown(command.shown, done.stdout), f"{where}\n{done.stdout}"
        return done.stdout

    def _put(self, name: str, file: str, content: bytes) -> None:
        self.lab.namespaces.outside(WORK / name / file).write_bytes(content)

    def _serve(self) -> None:
        for edge in self.edges.values():
            edge.serve()

    def _copy_exchange(self) -> None:
        for file in EXCHANGE.iterdir():
            self._put("mail1", file.name, file.read_bytes())

    def _copy_certificate(self) -> None:
        certificate = self.lab.identities[WOODGROVE].certificate
        for name in self.edges:
            self._put(name, "woodgrove.pem", certificate.public_bytes(Encoding.PEM))

    def _sign(self) -> None:
        for name in self.edges:
            request = x509.load_pem_x509_csr(
                self.lab.namespaces.outside(WORK / name / f"{name}.csr").read_bytes()
            )
            names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            issued = self.lab.authority.issue(
                None,
                dns_names=names.get_values_for_type(x509.DNSName),
                subject=request.subject,
                key=_Requested(request),  # type: ignore[arg-type]
            )
            self._put(name, f"{name}.pem", issued.certificate.public_bytes(Encoding.PEM))

    def _we_write(self) -> None:
        """Each message arrives at Woodgrove by TLS in which its edge has shown the edge's own certificate."""
        for name, edge in self.edges.items():
            message = compose(OURS, THEIRS)
            source = "127.0.0.1" if name == "mail1" else edge.host.address
            reply = self.lab.send(edge.host, message, source=source, sender=OURS, recipient=THEIRS)
            assert reply.code == 250
            (received, *_) = header_lines(self.lab.woodgrove.wait_for_delivery(message.mark), "Received")
            assert f'Client CN "{name}.{CONTOSO}"' in received
            counted = f'domain_secure_messages_sent_total{{domain="{WOODGROVE}"}}'
            wait_for(partial(_sample, edge, counted), counted, context=edge.log)

    def _partner_writes(self) -> None:
        """Each message is let in and marked by the edge that took it."""
        tls = self.lab.client_context(self.lab.identities[WOODGROVE])
        for name, edge in self.edges.items():
            delivered = self._arrives(edge, tls, ADDRESSES[WOODGROVE], 250)
            (mark,) = header_lines(delivered, "X-Domain-Secure")
            assert mark.startswith(f"pass ({WOODGROVE}; pkix; TLSv1.3) by {name}.{CONTOSO}; ref=")

    def _compare(self) -> None:
        assert {name: _files(edge) for name, edge in self.edges.items()} == self.files

    def _forge(self, code: int) -> None:
        for edge in self.edges.values():
            delivered = self._arrives(edge, None, ADDRESSES[EVIL], code)
            if code == 250:
                (mark,) = header_lines(delivered, "X-Domain-Secure")
                assert mark.startswith("fail ")

    def _arrives(self, edge: Product, tls: ssl.SSLContext | None, source: str, code: int) -> bytes:
        message = compose(THEIRS, OURS)
        edge.settle()
        reply = self.lab.send(edge.host, message, source=source, sender=THEIRS, recipient=OURS, tls=tls)
        assert reply.code == code, reply
        return edge.host.wait_for_delivery(message.mark) if code == 250 else b""


def _files(edge: Product) -> tuple[bytes, ...]:
    folder = edge.host.outside(edge.host.layout.configuration)
    return tuple((folder / name).read_bytes() for name in ("main.cf", "master.cf"))


def _sample(edge: Product, name: str) -> float | None:
    return edge.metrics().get(name)


class _Requested:
    """The key of a request, of which only the public half is known."""

    def __init__(self, request: x509.CertificateSigningRequest) -> None:
        self._key = request.public_key()

    def public_key(self) -> object:
        """Return the public half."""
        return self._key


@pytest.fixture(scope="module")
def others() -> Iterator[Others]:
    """Contoso's two edges beside Woodgrove and a stranger."""
    with Lab() as lab:
        yield Others(lab)


@pytest.mark.parametrize("section", sections(DOCUMENT.read_text()), ids=lambda one: one.heading)
def test_the_walk_through_holds(others: Others, section: object) -> None:
    """Each command of the document ends as it says and shows what stands there, on the edge it is for."""
    for step in section.steps:  # type: ignore[attr-defined]
        if isinstance(step, Command):
            assert step.hosts, f"line {step.line} does not say on which edge"
            for name in step.hosts:
                others.type(name, step)
        else:
            assert not isinstance(step, File)
            others.events[step.what]()


def test_each_edge_counted_what_went_through_it(others: Others) -> None:
    """Two messages received, one sent, one forgery refused, on each: the three counters of the original."""
    for edge in others.edges.values():
        metrics = edge.metrics()
        of = f'{{domain="{WOODGROVE}"}}'
        assert metrics[f"domain_secure_messages_received_total{of}"] == 2
        assert metrics[f"domain_secure_messages_sent_total{of}"] == 1
        refused = {key: value for key, value in metrics.items() if "_inbound_refusals_total" in key}
        assert sum(refused.values()) == 1

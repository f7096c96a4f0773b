"""Files of any length: a proposal takes the work, and has the length, that its files have."""

import json
from functools import partial

import pytest

from domain_secure.commands.importing.command import SOURCES
from domain_secure.commands.importing.proposal_text import proposal_document, proposal_text
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.importing.source_text import SourceText

from unit.lines_run import lines_run

SIZE = 3_000
MOST_LETTERS = 600  #: of a proposal, text and document, for each letter of its file
OF_ALL = "begin transports\nt:\n tls_verify_hosts = *\n"
ROUTER = "r{}:\n transport = t\n domains = +a\n"

#: By what there is much of: the source, and the pieces of its text; one in a tuple is repeated and numbered.
SHAPES: dict[str, tuple[str, tuple[str | tuple[str], ...]]] = {
    "policies": ("tls-policy", (("a{}.test secure\n",),)),
    "attributes": ("tls-policy", ("a" * 900, ".test secure ", ("a{}=b ",))),
    "attributes of a long key": ("tls-policy", (("a",), ".test secure ", ("a{}=b ",))),
    "names": ("tls-policy", ("a.test secure match=", ("a{}:",))),
    "labels": ("tls-policy", ("*.x.test secure\n", ("a.",), "y.test encrypt\n")),
    "dots": ("tls-policy", ("a", (".",), "y.test encrypt\n")),
    "common names": ("sendmail", ("TLS_Rcpt:a.test VERIFY", ("+CN:b",))),
    "tags": ("sendmail", (("t{}:x y\n",),)),
    "properties": (
        "exchange",
        ("TLSReceiveDomainSecureList : {a.test}\nName : ", ("x",), "\n", ("p{} :\n",)),
    ),
    "connectors": (
        "exchange",
        (
            "TLSReceiveDomainSecureList : {a.test}\n",
            ("\nAddressSpaces : {a}\nDomainSecureEnabled : True\n",),
        ),
    ),
    "domains": ("exchange", ("TLSSendDomainSecureList : {", ("a{}.test,",), "b.test}\n")),
    "objects": ("exchange", ('[{"Name":"a"}', (",{ }",), "]")),
    "routers of one list": (
        "exim",
        ("domainlist a = ", ("b{}.test:",), "\nbegin routers\n", (ROUTER,), OF_ALL),
    ),
    "routers of one transport": (
        "exim",
        ("begin routers\n", (ROUTER,), "begin transports\nt:\n tls_verify_hosts = ", ("b{}:",)),
    ),
    "transports of one list": (
        "exim",
        ("hostlist a = ", ("b{}:",), "\nbegin transports\n", ("t{}:\n tls_verify_hosts = +a\n",)),
    ),
    "rules of one list": (
        "exim",
        (
            *("domainlist a = ", ("b{}.test:",), "\nbegin acl\nx:\n"),
            ("deny sender_domains = +a\n !verify = certificate\n",),
        ),
    ),
    "hosts of a long transport": (
        "exim",
        ("begin transports\n", ("t",), ":\n tls_verify_hosts = ", ("b{}:",)),
    ),
}


def text_of(pieces: tuple[str | tuple[str], ...], size: int) -> str:
    """Return the text, of each repeated piece about *size* letters."""
    made = []
    for piece in pieces:
        if isinstance(piece, str):
            made.append(piece)
        else:
            (form,) = piece
            made += [form.replace("{}", str(number)) for number in range(size // len(form))]
    return "".join(made)


def proposed(source: str, text: str) -> str:
    """Return a proposal as it is printed, and its document."""
    try:
        proposal = SOURCES[source][0]([SourceText("f", text)], Mode.OBSERVE)
    except Exception as problem:  # noqa: BLE001 - to be told of a file what is wrong may be as long
        return str(problem)
    return proposal_text(proposal, ["f"]) + json.dumps(proposal_document(proposal, None))


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_file_is_twice_the_work(shape: str) -> None:
    """Nothing is gone through anew for each thing that is found; a proposal is no longer than that either."""
    source, pieces = SHAPES[shape]
    proposed(source, text_of(pieces, 100))
    once, twice = (lines_run(partial(proposed, source, text_of(pieces, size))) for size in (SIZE, 2 * SIZE))
    assert twice <= 2.4 * once + 500
    whole = text_of(pieces, 2 * SIZE)
    assert len(proposed(source, whole)) <= MOST_LETTERS * len(whole)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("sendmail", f"a{' ' * 1_000_000}\n"),
        ("sendmail", f"a b{' ' * 1_000_000}x\n"),
        ("tls-policy", f"a{'.' * 1_000_000}b.test encrypt\n"),
        ("tls-policy", f"{'a.' * 500_000}test encrypt\n"),
        ("tls-policy", f"a.test secure {'{' * 1_000_000}\n"),
        ("exim", f"hide {' ' * 1_000_000}=\n"),
        ("exchange", f"{'-' * 1_000_000}x\n"),
        ("exchange", '[{"Name":"a"}' + ",{}" * 300_000 + "]"),
    ],
)
def test_a_megabyte_of_one_letter_is_read_at_once(source: str, text: str) -> None:
    """A pattern or a copy that began anew at each letter would take hours, and no line of Python for it."""
    assert proposed(source, text)

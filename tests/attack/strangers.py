"""Forged messages by the thousand, through a real Postfix over real TLS, and an oracle that counts each.

Strangers send them: in the clear, with no certificate, with their own, and with one in the partner's name.
Nothing of theirs may pass or bear a mark, and of what is let in no reader may show the partner as its author.
Then the partner sends the same odd forms: what was taken arrives, once, with a mark where it is his.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

from .author_families import Names
from .message_families import Forgery, forgeries
from .reader_models import MODELS, hosts
from .senders import PATIENT, Caller, Sent, all_delivered, by_word, send_all
from lab import dovecot_reader
from lab.address_readers import READERS
from lab.certificates import Authority, Issued, self_signed
from lab.laboratory import ADDRESSES, EVIL, LOOPBACK, NOBODY, WOODGROVE, Lab
from lab.product import Product
from promises import Part, Promise

PART = "forgeries"

_STRANGER = Names(f"admin@{WOODGROVE}", f"mallory@{EVIL}")
_PARTNER = Names(f"admin@{WOODGROVE}", f"clerk@{WOODGROVE}")
_SEED = 3834
_MARK, _RESULTS = b"x-domain-secure", b"authentication-results"
_METHOD = re.compile(rb"x-domain-secure\s*=\s*pass", re.IGNORECASE)
_AUTHORS = frozenset({"from", "sender", "resent-from"})
_OURS = re.compile(r"\(([a-z-]+)\) \[ref ")
#: Reasons for which a message is refused whoever sends it: what it claims cannot be told.
_UNREADABLE = frozenset({"too-much", "unreadable-author", "forged-marks"})
_SHOWN = 3
_PASSED = f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}'


def measure(quick: bool) -> list[Promise]:
    """Send everything, and count."""
    each, partners = (25, 200) if quick else (850, 3000)
    with Lab() as lab:
        product = Product(lab)
        lab.contoso.configure(**PATIENT)
        product.install(WOODGROVE)
        callers = _strangers(product)
        forged = list(forgeries(_STRANGER, each * len(callers), _SEED))
        before = product.metrics().get(_PASSED, 0.0)
        batches = [(one, forged[place :: len(callers)]) for place, one in enumerate(callers)]
        by_strangers = send_all(lab, lab.contoso, batches, _SEED)
        let_in = all_delivered(lab.contoso)
        passed = product.metrics().get(_PASSED, 0.0) - before
        of_partner = [*forged[: partners // 2], *forgeries(_PARTNER, partners // 2, _SEED)]
        by_partner = send_all(lab, lab.contoso, _shared_out(_partners(lab), of_partner), _SEED + 1)
        arrived = all_delivered(lab.contoso)[len(let_in) :]
        log = product.log()
    return [
        *_of_strangers(by_strangers, let_in, passed, 10_000 if not quick else each * len(callers)),
        *_of_partner(by_partner, arrived),
        _counted("faults that the daemon tells of", re.findall(r".*(?:internal-error|Traceback).*", log)),
    ]


def _strangers(product: Product) -> list[Caller]:
    """Return who is not the partner."""
    lab = product.lab
    long_ago = datetime.now(UTC) - timedelta(days=400)
    names = (WOODGROVE, f"mail.{WOODGROVE}")
    issue = lab.authority.issue
    impostors: dict[str, Issued] = {
        "its own certificate": lab.identities[EVIL],
        "the partner's name, signed by itself": self_signed(WOODGROVE, dns_names=names),
        "the partner's name, by an authority of the same name": Authority.create(
            "Laboratory Authority"
        ).issue(WOODGROVE, dns_names=names),
        "the partner's name as a common name alone": issue(WOODGROVE, dns_names=(EVIL,)),
        "the partner's name, expired": issue(
            WOODGROVE, dns_names=names, not_before=long_ago, not_after=long_ago + timedelta(days=30)
        ),
        "names that look like the partner's": issue(
            f"{WOODGROVE}.{EVIL}",
            dns_names=(f"{WOODGROVE}.{EVIL}", f"not{WOODGROVE}", "*.test", "xn--wodgrovebank-sbj.test"),
        ),
    }
    for number, issued in enumerate(impostors.values()):
        path = lab.certificate_file(issued, f"impostor-{number}")
        product.command("partner", "cert", "add", "--force", EVIL, path)
    unknown = self_signed(WOODGROVE, dns_names=names)
    return [
        Caller("in the clear", ADDRESSES[EVIL]),
        Caller("in the clear, from the partner's address", ADDRESSES[WOODGROVE]),
        Caller("in the clear, from this machine", LOOPBACK),
        Caller("without a certificate", NOBODY, lab.client_context(None)),
        *(Caller(name, ADDRESSES[EVIL], lab.client_context(one)) for name, one in impostors.items()),
        Caller("a certificate that nobody knows", NOBODY, lab.client_context(unknown)),
        Caller("the same, from the partner's address", ADDRESSES[WOODGROVE], lab.client_context(unknown)),
    ]


def _partners(lab: Lab) -> list[Caller]:
    tls = lab.client_context(lab.identities[WOODGROVE])
    return [Caller("the partner", address, tls) for address in (ADDRESSES[WOODGROVE], NOBODY) * 3]


def _shared_out(
    callers: Sequence[Caller], every: Sequence[Forgery]
) -> list[tuple[Caller, Sequence[Forgery]]]:
    return [(one, every[place :: len(callers)]) for place, one in enumerate(callers)]


def _of_strangers(sent: list[Sent], let_in: list[bytes], passed: float, wanted: int) -> list[Promise]:
    found = by_word(let_in)
    reasons = Counter(word for one in sent if one.reply for word in _OURS.findall(one.reply.text))
    judged = sum(reasons.values())
    shown = ", ".join(f"{word} {number}" for word, number in reasons.most_common(6))
    senders = {word.decode() for one in sent for word in one.forgery.smuggled}
    smuggled = [content for content in found.get("", ()) if any(word.encode() in content for word in senders)]
    return [
        Promise(PART, "messages sent by strangers", f">= {wanted}", str(len(sent)), len(sent) >= wanted),
        Promise(
            PART,
            "of these refused or deferred with a reason of ours, so that the question was asked",
            f">= {wanted // 4}",
            f"{judged} ({shown})",
            judged >= wanted // 4,
        ),
        Promise(PART, "strangers' messages that passed", "0", f"{passed:.0f}", not passed),
        _counted("strangers' messages let in with a mark", [one for one in let_in if _is_marked(one)]),
        _counted("strangers' messages let in of which a reader shows the partner as author", _shown(let_in)),
        _counted("messages that strangers smuggled in", smuggled),
        _counted("strangers' messages without an answer", [one.content for one in sent if one.reply is None]),
        _counted("strangers' messages taken and then gone, or there twice", _lost(sent, found)),
    ]


def _of_partner(sent: list[Sent], arrived: list[bytes]) -> list[Promise]:
    found = by_word(arrived)
    his = [one for one in arrived if any(map(_is_partners, _authors(one)))]
    refused = [
        f"{one.forgery.family}: {one.reply}"
        for one in sent
        if one.reply is not None
        and (word := _OURS.search(one.reply.text)) is not None
        and word[1] not in _UNREADABLE
    ]
    taken = sum(one.is_accepted for one in sent)
    return [
        Promise(
            PART,
            "of the partner's messages in the same forms taken",
            f">= {len(sent) // 2}",
            f"{taken} of {len(sent)}",
            taken >= len(sent) // 2,
        ),
        _counted(
            "the partner's messages without an answer", [one.content for one in sent if one.reply is None]
        ),
        _counted("the partner's messages taken and then gone, or there twice", _lost(sent, found)),
        _counted("the partner's messages taken for a stranger's", refused),
        _counted(
            f"the partner's messages, {len(his)} of them, without one mark",
            [one for one in his if not _is_marked(one)],
        ),
    ]


def _lost(sent: list[Sent], found: dict[str, list[bytes]]) -> list[bytes]:
    """Return what was taken and is not there once, or was refused and is there."""
    return [one.content for one in sent if len(found.get(one.word, ())) != int(one.is_accepted)]


def _counted(what: str, those: Sequence[bytes | str]) -> Promise:
    needed = "\n".join(repr(one[:600]) for one in those[:_SHOWN])
    return Promise(PART, what, "0", str(len(those)), not those, needed)


def _is_marked(content: bytes) -> bool:
    """Tell whether a header has a mark, for whatever a reader takes for the end of a line."""
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].replace(b"\n ", b" ").replace(b"\n\t", b" ")
    lines = head.replace(b"\r", b"\n").split(b"\n")
    fields = [
        (name.strip(b" \t\x00").lower(), body) for name, _, body in (one.partition(b":") for one in lines)
    ]
    return any(name == _MARK or (name == _RESULTS and _METHOD.search(body)) for name, body in fields)


def _authors(content: bytes) -> list[bytes]:
    """Return the bodies of all author fields of a delivered message, as Python's parser finds them."""
    parsed = message_from_bytes(content)
    return [
        str(value).encode("utf-8", "surrogateescape")
        for name, value in parsed.raw_items()
        if name.strip().lower() in _AUTHORS
    ]


def _shown(let_in: list[bytes]) -> list[bytes]:
    """Return the messages of which anybody shows the partner as author."""
    fields = [(number, field) for number, one in enumerate(let_in) for field in _authors(one)]
    bodies = [field for _, field in fields]
    seen: set[int] = set()
    for reader in READERS:
        if reader.present():
            answers = zip(fields, reader.read(bodies), strict=True)
            seen |= {number for (number, _), found in answers if any(map(_is_host, found))}
    for model in MODELS.values():
        seen |= {number for number, field in fields if any(map(_is_host, hosts(model, field)))}
    if dovecot_reader.is_present() and let_in:
        answers_of_dovecot = enumerate(dovecot_reader.shown_hosts(let_in))
        seen |= {number for number, found in answers_of_dovecot if any(map(_is_host, found))}
    return [let_in[number] for number in sorted(seen)]


def _is_partners(field: bytes) -> bool:
    return any(_is_host(host) for model in _PLAIN for host in hosts(model, field))


def _is_host(host: str) -> bool:
    return host.strip(" \t\r\n").rstrip(".").lower() == WOODGROVE


_PLAIN: tuple[Callable[[str], list[str]], ...] = (MODELS["the last in brackets"], MODELS["the last address"])

PARTS = {PART: Part(measure)}

"""The story of the demonstration: what is sent, what must come of it, and what came of it.

Each scene is one function.  Must not know: how it is shown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .certificates import Issued
from .laboratory import CERTIFICATES, CONTOSO, EVIL, NOBODY, WOODGROVE, Lab
from .messages import Message, compose, header_lines
from .postfix_host import PostfixHost
from .product import Product
from .smtp_client import Reply

PARTNER_SENDER = f"admin@{WOODGROVE}"
RECIPIENT = f"alice@{CONTOSO}"
MARK = "X-Domain-Secure"
RESULTS = "Authentication-Results"
FORGED_MARKS = (
    f"{MARK}: pass ({WOODGROVE}; pkix; TLSv1.3) by mail.{CONTOSO}; ref=0000",
    f"{RESULTS}: mail.{CONTOSO}; x-domain-secure=pass header.d={WOODGROVE}",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scene."""

    sent: str
    verdict: str
    seen: tuple[tuple[str, str], ...]  #: what speaks for it: label and text
    is_as_expected: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: its title, what must come of it in words, and how it is played."""

    title: str
    expected: str
    play: Callable[[Lab, Product], Outcome]


def _forge(lab: Lab, identity: Issued | None, *, tls: bool) -> Reply:
    """Let evil.test claim to be Woodgrove, with a certificate or none.

    It comes from a machine that has no mail server, so that nobody can ask that one for its certificate.
    """
    return lab.send(
        lab.contoso,
        compose(f"Woodgrove Bank <{PARTNER_SENDER}>", RECIPIENT, subject="Your account"),
        source=NOBODY,
        sender=PARTNER_SENDER,
        recipient=RECIPIENT,
        tls=lab.client_context(identity) if tls else None,
    )


def _refused(how: str, reply: Reply, expected: str, *words: str) -> Outcome:
    code, status = expected.split()
    found = re.search(r"\(([a-z-]+)\) \[ref", reply.text)
    return Outcome(
        f"from a machine of {EVIL}'s, {how}: MAIL FROM:<{PARTNER_SENDER}>",
        found.group(1) if found else "none",
        (("reply", str(reply)),),
        (str(reply.code), reply.status) == (code, status) and all(word in reply.text for word in words),
    )


def _forged_in_the_clear(lab: Lab, _: Product) -> Outcome:
    return _refused("without TLS", _forge(lab, None, tls=False), "530 5.7.10")


def _forged_without_certificate(lab: Lab, _: Product) -> Outcome:
    return _refused("over TLS, no certificate", _forge(lab, None, tls=True), "550 5.7.5")


def _forged_with_unknown_certificate(lab: Lab, _: Product) -> Outcome:
    reply = _forge(lab, lab.identities[EVIL], tls=True)
    return _refused(f"over TLS, with {EVIL}'s valid certificate", reply, "451 4.7.5")


def _forged_with_known_certificate(lab: Lab, product: Product) -> Outcome:
    product.command("partner", "cert", "add", "--force", EVIL, CERTIFICATES / f"{EVIL}.pem")
    reply = _forge(lab, lab.identities[EVIL], tls=True)
    return _refused(f"the same, now that {EVIL}'s certificate is known", reply, "550 5.7.5", EVIL, WOODGROVE)


def _marks_of(delivered: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(
        ("mark", f"{name}: {value}") for name in (MARK, RESULTS) for value in header_lines(delivered, name)
    )


def _submitted(lab: Lab, host: PostfixHost, message: Message, sender: str, recipient: str) -> str:
    """Hand a message to a host's own Postfix and return its queue id there."""
    reply = lab.submit(host, message, sender=sender, recipient=recipient)
    found = re.search(r"queued as (\w+)", reply.text)
    return found.group(1) if found else f"not queued: {reply}"


def _partner_mail(lab: Lab, _: Product) -> Outcome:
    message = compose(f"Woodgrove Bank <{PARTNER_SENDER}>", RECIPIENT, subject="Your real account")
    _submitted(lab, lab.woodgrove, message, PARTNER_SENDER, RECIPIENT)
    marks = _marks_of(lab.contoso.wait_for_delivery(message.mark))
    texts = [text for _, text in marks]
    return Outcome(
        f"by {WOODGROVE}'s Postfix, over TLS with its certificate: MAIL FROM:<{PARTNER_SENDER}>",
        "pass" if any(text.startswith(f"{MARK}: pass ({WOODGROVE};") for text in texts) else "none",
        (("delivered", f"to {RECIPIENT}"), *marks),
        len(marks) == 2
        and texts[0].startswith(f"{MARK}: pass ({WOODGROVE}; pkix; TLSv1.3) by mail.{CONTOSO}; ref=")
        and f"x-domain-secure=pass header.d={WOODGROVE} policy.method=pkix" in texts[1],
    )


def _stranger_mail(lab: Lab, _: Product) -> Outcome:
    sender = f"mallory@{EVIL}"
    message = compose(sender, RECIPIENT, *FORGED_MARKS, subject="Hello from us")
    _submitted(lab, lab.evil, message, sender, RECIPIENT)
    delivered = lab.contoso.wait_for_delivery(message.mark)
    forged = "".join(f"{line}\r\n" for line in FORGED_MARKS)
    rest = message.content.decode().removeprefix(forged).replace("\r\n", "\n")
    untouched = delivered.decode().endswith(f"\n{rest}")
    marks = _marks_of(delivered)
    return Outcome(
        f"by {EVIL}'s Postfix, in its own name, with our marks forged: MAIL FROM:<{sender}>",
        "none",
        (
            ("delivered", f"to {RECIPIENT}, {'all the rest untouched' if untouched else 'CHANGED'}"),
            *(marks or (("mark", "none: the forged ones were removed"),)),
        ),
        untouched and not marks,
    )


def _mail_to_partner(lab: Lab, _: Product) -> Outcome:
    recipient = f"bob@{WOODGROVE}"
    message = compose(RECIPIENT, recipient, subject="Our answer")
    queue_id = _submitted(lab, lab.contoso, message, RECIPIENT, recipient)
    sent = lab.contoso.wait_for_log(rf"{queue_id}: to=<.*status=(?!deferred).*")
    delivered = lab.woodgrove.wait_for_delivery(message.mark)
    connection = _last(lab.contoso, rf"\w+ TLS connection established to mail\.{WOODGROVE}.*")
    client = re.search(r'\(Client CN "[^"]*".*?\([^)]*\)\)', header_lines(delivered, "Received")[0])
    proof = client.group() if client else "no client certificate was seen"
    return Outcome(
        f"by {CONTOSO}'s Postfix: MAIL FROM:<{RECIPIENT}> RCPT TO:<{recipient}>",
        f"{_status(sent.group())} over {connection}".split(" connection")[0],
        (
            ("our log", connection),
            ("our log", sent.group()),
            ("their view", proof),
        ),
        connection.startswith("Verified TLS")
        and "status=sent" in sent.group()
        and proof == f'(Client CN "{CONTOSO}", Issuer "Laboratory Authority" (verified OK))',
    )


def _mail_to_impostor(lab: Lab, _: Product) -> Outcome:
    recipient = f"bob@{WOODGROVE}"
    message = compose(RECIPIENT, recipient, subject="A secret")
    lab.present(lab.woodgrove, lab.identities[EVIL])
    try:
        queue_id = _submitted(lab, lab.contoso, message, RECIPIENT, recipient)
        answer = lab.contoso.wait_for_log(rf"{queue_id}: to=<.*status=.*").group()
        queued = {entry["queue_id"]: entry["queue_name"] for entry in lab.contoso.wait_for_deferred(1)}
    finally:
        lab.present(lab.woodgrove, lab.identities[WOODGROVE])
    return Outcome(
        f"by {CONTOSO}'s Postfix, to a {WOODGROVE} that shows {EVIL}'s certificate",
        _status(answer),
        (("our log", answer), ("queue", f"{queue_id} waits in {queued.get(queue_id, 'no queue')}")),
        "dsn=4.7.5, status=deferred (Server certificate not verified)" in answer
        and queue_id in queued
        and lab.woodgrove.delivered(message.mark) is None,
    )


def _status(line: str) -> str:
    """Return the word for what became of a message from a line of Postfix's log."""
    return line.partition("status=")[2].split()[0]


def _last(host: PostfixHost, pattern: str) -> str:
    found: list[str] = re.findall(pattern, host.log())
    return found[-1] if found else "no TLS connection"


SCENES = (
    Scene("Woodgrove's name is forged, in the clear", "530 5.7.10", _forged_in_the_clear),
    Scene("… over TLS, without a certificate", "550 5.7.5", _forged_without_certificate),
    Scene(
        f"… with {EVIL}'s own certificate, which nobody here knows yet",
        "451 4.7.5: it may be a new one of Woodgrove's",
        _forged_with_unknown_certificate,
    ),
    Scene(
        f"… with the same, now known to be {EVIL}'s", "550 5.7.5, naming both", _forged_with_known_certificate
    ),
    Scene("Woodgrove itself writes", "delivered and marked", _partner_mail),
    Scene(
        f"{EVIL} writes in its own name, and forges our marks",
        "delivered untouched, without the forged marks",
        _stranger_mail,
    ),
    Scene(
        "Contoso answers Woodgrove",
        "delivered over verified TLS, our certificate seen by the other side",
        _mail_to_partner,
    ),
    Scene(
        "Contoso writes to a Woodgrove that shows another's certificate",
        "stays in the queue",
        _mail_to_impostor,
    ),
)

_REASONS = ("no-tls", "no-certificate", "unknown-certificate", "name-mismatch")
#: What the counters must show in the end; any other counter is 0, but for those of lines read.  Contoso's own
#: two messages and the one in evil.test's name claim no listed domain.
COUNTERS: dict[str, float] = {
    f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}': 1.0,
    'domain_secure_decisions_total{method="pkix",verdict="pass"}': 1.0,
    'domain_secure_decisions_total{method="none",verdict="none"}': 3.0,
    **{f'domain_secure_decisions_total{{method="none",verdict="{reason}"}}': 1.0 for reason in _REASONS},
    **{
        f'domain_secure_inbound_refusals_total{{domain="{WOODGROVE}",reason="{reason}"}}': 1.0
        for reason in _REASONS
    },
    # Nobody knows yet whose certificate it is: it may be a new one of Woodgrove's.
    f'domain_secure_inbound_partner_refusals_total{{domain="{WOODGROVE}",reason="unknown-certificate"}}': 1.0,
    f'domain_secure_messages_sent_total{{domain="{WOODGROVE}"}}': 1.0,
    f'domain_secure_messages_sent_mutual_total{{domain="{WOODGROVE}"}}': 1.0,
    f'domain_secure_outbound_session_failures_total{{domain="{WOODGROVE}",reason="name-mismatch"}}': 1.0,
}

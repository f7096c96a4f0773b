"""What must hold of mail in both directions, whoever stands in front of Contoso's Postfix or behind it.

Each method sends something, and raises AssertionError where what must come of it does not.  What arrives at
Contoso is returned, so that a test can look at what a neighbour did to it.
"""

import re
from dataclasses import dataclass

from .certificates import Issued
from .laboratory import CERTIFICATES, CONTOSO, EVIL, LOOPBACK, NOBODY, WOODGROVE
from .messages import Message, compose, header_lines
from .product import Product
from .smtp_client import Dialogue
from .story import FORGED_MARKS, MARK, PARTNER_SENDER, RECIPIENT, RESULTS

PASSED = re.compile(
    rf"pass \({re.escape(WOODGROVE)}; pkix; TLSv1\.3\) by mail\.{re.escape(CONTOSO)}; ref=\w+"
)
STRANGER = f"mallory@{EVIL}"
RECIPIENT_THERE = f"bob@{WOODGROVE}"


def our_results(content: bytes) -> list[str]:
    """Return the results of our method in a message."""
    return [value for value in header_lines(content, RESULTS) if "x-domain-secure" in value.lower()]


@dataclass
class Traffic:
    """Mail of Contoso's; *front* and *port* are where others reach it, if not at its own address.

    *keeps_results* is false where somebody behind us takes Authentication-Results away.
    """

    product: Product
    front: str = ""
    port: int = 25
    keeps_results: bool = True

    def flows(self) -> None:
        """Send everything: what passes, what is refused, what is none of our business, and what leaves."""
        self.partner_writes()
        self.stranger_writes()
        self.forgers_are_refused()
        self.we_write()
        self.impostor_waits()

    def partner_writes(self) -> bytes:
        """Let Woodgrove's own Postfix write, with marks of its own making: ours is there, once."""
        message = compose(PARTNER_SENDER, RECIPIENT, *FORGED_MARKS)
        lab = self.product.lab
        assert lab.submit(lab.woodgrove, message, sender=PARTNER_SENDER, recipient=RECIPIENT).code == 250
        delivered = lab.contoso.wait_for_delivery(message.mark)
        self.assert_marked(delivered)
        return delivered

    def assert_marked(self, delivered: bytes) -> None:
        """See that a message has our marks, each once, and no other."""
        marks = header_lines(delivered, MARK)
        assert len(marks) == 1, delivered.decode()
        assert PASSED.fullmatch(marks[0]), marks
        results = our_results(delivered)
        assert len(results) == (1 if self.keeps_results else 0), delivered.decode()
        for result in results:
            assert result.startswith(
                f"mail.{CONTOSO}; x-domain-secure=pass header.d={WOODGROVE} policy.method=pkix"
            ), result

    def stranger_writes(self) -> bytes:
        """Let evil.test's own Postfix write in its own name: forged marks go, all else arrives as sent."""
        message = compose(STRANGER, RECIPIENT, *FORGED_MARKS)
        lab = self.product.lab
        assert lab.submit(lab.evil, message, sender=STRANGER, recipient=RECIPIENT).code == 250
        delivered = lab.contoso.wait_for_delivery(message.mark)
        self.assert_unmarked(delivered)
        forged = "".join(f"{line}\r\n" for line in FORGED_MARKS)
        sent = message.content.decode().removeprefix(forged).replace("\r\n", "\n")
        head, _, body = sent.partition("\n\n")
        kept = delivered.decode()
        assert kept.endswith(f"\n\n{body}"), kept
        lines = kept.partition("\n\n")[0].splitlines()
        assert [line for line in lines if line in head.splitlines()] == head.splitlines(), kept
        return delivered

    @staticmethod
    def assert_unmarked(delivered: bytes) -> None:
        """See that a message has none of our marks."""
        assert not header_lines(delivered, MARK), delivered.decode()
        assert not our_results(delivered), delivered.decode()

    def forgers_are_refused(self) -> None:
        """Let a machine of evil.test's claim to be Woodgrove: each time the reply has the right reason."""
        lab = self.product.lab
        evil, stranger = lab.identities[EVIL], lab.authority.issue("x.test", dns_names=("x.test",))
        self.product.command("partner", "cert", "add", "--force", EVIL, CERTIFICATES / f"{EVIL}.pem")
        for identity, tls, expected in (
            (None, False, (530, "5.7.10", "no-tls")),
            (None, True, (550, "5.7.5", "no-certificate")),
            (evil, True, (550, "5.7.5", "name-mismatch")),
            (stranger, True, (451, "4.7.5", "unknown-certificate")),
        ):
            with self.session(identity, tls=tls) as dialogue:
                reply = dialogue.message(PARTNER_SENDER, RECIPIENT, _claim().content)
                assert (reply.code, reply.status) == expected[:2], reply
                assert f"({expected[2]})" in reply.text, reply

    def session(self, identity: Issued | None, *, tls: bool = True, source: str = NOBODY) -> Dialogue:
        """Open a session with Contoso by whoever stands in front, with a certificate or none."""
        lab = self.product.lab
        dialogue = lab.connect(lab.contoso, source, port=self.port, front=self.front)
        if tls:
            dialogue.starttls(lab.client_context(identity))
        return dialogue

    def one_session_has_several(self) -> None:
        """Send several messages in one session: each is judged by itself."""
        lab = self.product.lab
        ours, theirs, again = _claim(), compose(STRANGER, RECIPIENT, *FORGED_MARKS), _claim()
        with self.session(lab.identities[WOODGROVE]) as dialogue:
            for sender, message in ((PARTNER_SENDER, ours), (STRANGER, theirs), (PARTNER_SENDER, again)):
                assert dialogue.message(sender, RECIPIENT, message.content).code == 250, dialogue.last
            dialogue.quit()
        for message in (ours, again):
            self.assert_marked(lab.contoso.wait_for_delivery(message.mark))
        self.assert_unmarked(lab.contoso.wait_for_delivery(theirs.mark))

    def we_write(self) -> bytes:
        """Let one of ours write to Woodgrove: it leaves over verified TLS, with our certificate shown."""
        lab = self.product.lab
        before, message = len(lab.contoso.log()), compose(RECIPIENT, RECIPIENT_THERE)
        self._submit(message)
        delivered = lab.woodgrove.wait_for_delivery(message.mark)
        lab.contoso.wait_for_log(
            rf"domain-secure/smtp\[\d+\]: Verified TLS connection established to mail\.{WOODGROVE}",
            after=before,
        )
        seen = header_lines(delivered, "Received")[0]
        assert f'(Client CN "{CONTOSO}", Issuer "Laboratory Authority" (verified OK))' in seen, seen
        return delivered

    def _submit(self, message: Message) -> None:
        with self.session(None, tls=False, source=LOOPBACK) as dialogue:
            assert dialogue.message(RECIPIENT, RECIPIENT_THERE, message.content).code == 250, dialogue.last

    def impostor_waits(self) -> None:
        """Let one of ours write to a Woodgrove that shows another's certificate: it waits."""
        lab = self.product.lab
        before, message = len(lab.contoso.log()), compose(RECIPIENT, RECIPIENT_THERE)
        lab.present(lab.woodgrove, lab.identities[EVIL])
        try:
            self._submit(message)
            lab.contoso.wait_for_log(
                rf"to=<{RECIPIENT_THERE}>.*dsn=4\.7\.5, status=deferred \(Server certificate not verified\)",
                after=before,
            )
            assert lab.woodgrove.delivered(message.mark) is None
        finally:
            lab.present(lab.woodgrove, lab.identities[WOODGROVE])
        lab.contoso.flush()
        lab.woodgrove.wait_for_delivery(message.mark)


def _claim() -> Message:
    return compose(f"Woodgrove Bank <{PARTNER_SENDER}>", RECIPIENT)

"""One setting of Contoso's Postfix and one message to a listed domain: which way it took, and who said so.

Owns: how a way is set up, sent and judged by what the receiving hosts got.  The tables of ways are tests'.
Evil stands for everybody else: it takes mail for any domain, and whatever leaves by another way ends there.
Sources: postconf(5), transport(5), access(5), header_checks(5).
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, unique

from .certificates import self_signed
from .files import put
from .laboratory import ADDRESSES, CONTOSO, EVIL, LOOPBACK, WOODGROVE, Lab
from .messages import Message, compose, header_lines
from .product import Product
from .waiting import wait_for

SENDER = f"user@{CONTOSO}"
BOSS = f"boss@{WOODGROVE}"
RELAY = f"smtp:[{ADDRESSES[EVIL]}]"  #: a way that leads to Evil
INTERNATIONAL, INTERNATIONAL_ASCII = "bücher.test", "xn--bcher-kva.test"
BRANCHES = ("sales", "x.sales", "local")  #: domains below Woodgrove's that have mail servers

_LISTED = (WOODGROVE, f"*.{WOODGROVE}", INTERNATIONAL)
#: Takes mail from anybody to anybody; Postfix wants to see that something is refused.
_ANYBODY = "check_client_access static:OK, reject"
_COUNTERS = {
    "domain_secure_messages_sent_total": "sent",
    "domain_secure_messages_sent_unverified_total": "unverified",
    "domain_secure_outbound_session_failures_total": "failed",
}


@unique
class Went(StrEnum):
    """What became of a message, or of one copy of it."""

    VERIFIED = "to the partner, over verified TLS with our certificate"
    HELD = "nowhere: it waits in the queue"
    CLEAR = "to the partner, unverified"
    ELSEWHERE = "to another server"
    ASKED = "nowhere, but another server was asked about the address"
    LOCAL = "to a mailbox of this machine"
    RETURNED = "back to the sender"
    REFUSED = "nowhere: it was not taken"


LEAVES = frozenset({Went.CLEAR, Went.ELSEWHERE, Went.ASKED, Went.LOCAL})  #: what was promised not to be


@dataclass(frozen=True, slots=True)
class Way:
    """One row: what somebody has set, and what must come of a message.

    *main* and *services* (``service/type``, setting) are changes of ``main.cf`` and of one service's options,
    *entries* are added to ``master.cf``; in all of them ``{folder}`` is where *files* lie.  *named* are the
    words of ``check`` that must be there before the message is sent, *unseen* a part of what it says that it
    has not looked at; *counted* is which outbound counters grow, one word each; *why* says why it is not
    prevented.
    """

    name: str
    went: frozenset[Went] | Went
    main: Sequence[str] = ()
    services: Sequence[tuple[str, str]] = ()
    entries: Sequence[str] = ()
    files: dict[str, str] = field(default_factory=dict)
    recipient: str = f"admin@{WOODGROVE}"
    sender: str = SENDER
    headers: Sequence[str] = ()
    by_sendmail: bool = False
    distrusted: bool = False  #: whether Woodgrove shows a certificate that nobody vouches for
    named: frozenset[str] = frozenset()
    unseen: str = ""
    counted: str = ""
    why: str = ""

    @property
    def ways(self) -> frozenset[Went]:
        """Return what became of the message and its copies."""
        return frozenset({self.went}) if isinstance(self.went, Went) else self.went

    @property
    def counters(self) -> frozenset[str]:
        """Return which counters must grow."""
        return frozenset(self.counted.split())


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed of one way."""

    ways: frozenset[Went]
    errors: frozenset[str]  #: words of the errors that ``check`` found before
    others: frozenset[str]  #: of all else
    not_looked_at: str  #: what ``check`` says that it has not looked at
    status: int  #: of ``check``
    counted: frozenset[str]
    log: str


class Crossroads:
    """Contoso with the product and three listed entries, and every server that mail could reach."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.product = Product(lab)
        self._folder = lab.contoso.layout.configuration / "ways"
        self._prepare_servers()
        listed = ", ".join(f'"{one}"' for one in _LISTED)
        self.product.configure(f"[send]\ndomains = [{listed}]\n")
        lab.contoso.configure(delay_warning_time="4h")
        self.product.command("generate")
        self.product.attach()
        self.product.serve()
        self._attached = self._files()

    def after_attach(self, way: Way) -> Seen:
        """Let somebody change an attached Postfix, ask ``check``, and send."""
        with self._tidy(way):
            self._set(self._attached)
            self._change(way)
            self.lab.contoso.reload()
            return self._go(way)

    def before_attach(self, way: Way) -> Seen:
        """Let attach meet the setting, beside its own lines of an earlier time; ask ``check``, and send."""
        with self._tidy(way):
            self._set(self._attached)
            self._change(way)
            # It may leave something to a person: that is what check is asked for.
            self.product.command("attach", "--config-dir", self.lab.contoso.layout.configuration, check=False)
            self.lab.contoso.reload()
            return self._go(way)

    def _go(self, way: Way) -> Seen:
        document, status = self._check()
        severities: dict[str, set[str]] = {"error": set(), "": set()}
        for finding in document["findings"]:
            severities["error" if finding["severity"] == "error" else ""].add(finding["word"])
        not_looked_at = "\n".join(
            f"{one['what']}: {one['proof']}"
            for one in document["findings"]
            if one["severity"] == "not-looked-at"
        )
        before, after = self._counters(), len(self.lab.contoso.log())
        message = compose(way.sender or SENDER, way.recipient, *way.headers)
        taken = self._hand_in(way, message)
        ways = self._ways(message, after) if taken else frozenset({Went.REFUSED})
        counted = self._counted_since(before)
        return Seen(
            ways,
            frozenset(severities["error"]),
            frozenset(severities[""]),
            not_looked_at,
            status,
            counted,
            self.lab.contoso.log()[after:],
        )

    def _hand_in(self, way: Way, message: Message) -> bool:
        if way.by_sendmail:
            done = self.lab.namespaces.run(
                "sendmail",
                "-f",
                way.sender,
                "--",
                way.recipient,
                standard_input=message.content.decode(),
                check=False,
            )
            return done.returncode == 0
        with self.lab.connect(self.lab.contoso, LOOPBACK) as dialogue:
            parameters = () if (way.recipient + way.sender).isascii() else ("SMTPUTF8",)
            taken = (
                dialogue.mail(way.sender, *parameters).is_positive
                and dialogue.rcpt(way.recipient).is_positive
                and dialogue.data(message.content).is_positive
            )
            dialogue.quit()
        return taken

    def _ways(self, message: Message, after: int) -> frozenset[Went]:
        """Wait until nothing more happens to a message by itself, and return what became of its copies."""
        lab = self.lab
        text = wait_for(
            lambda: self._settled(message, after),
            "the message to come to rest",
            context=lambda: lab.contoso.log()[after:],
        )
        found = {Went.HELD} if "status=deferred" in text else set()
        if "status=bounced" in text:
            found.add(Went.RETURNED)
        # What local(8) forwards has a queue id of its own, and a line about what became of it.
        sent = re.findall(
            r"^.* (\S+\[\d+\]): \w+: to=.* relay=([^,]*), .*status=sent (?!\(forwarded as).*$",
            text,
            re.MULTILINE,
        )
        log = lab.contoso.log()[after:]
        for process, relay in sent:
            if f"[{ADDRESSES[WOODGROVE]}]" in relay:
                copy = lab.woodgrove.wait_for_delivery(message.mark)
                # By the log of the one we know whom we met; by the other's, that we showed who we are.
                is_proved = f"{process}: Verified TLS connection established to " in log
                is_ours = "/domain-secure/smtp[" in process and "verified OK" in _last_hop(copy)
                found.add(Went.VERIFIED if is_ours and is_proved else Went.CLEAR)
            elif f"[{ADDRESSES[EVIL]}]" in relay:
                found.add(Went.ELSEWHERE)
            elif f"[{LOOPBACK}]" not in relay:
                found.add(Went.LOCAL)
        if re.search(rf"\[{ADDRESSES[EVIL]}\].* status=(?:un)?deliverable", log):
            found.add(Went.ASKED)
        return frozenset(found)

    def _settled(self, message: Message, after: int) -> str:
        """Return the lines about every queue id that the message has had, once none is under way."""
        # Asked before the log is read: what is in there afterwards includes why a message waits.
        waiting = {
            entry["queue_id"] for entry in self.lab.contoso.queue() if entry["queue_name"] == "deferred"
        }
        lines = self.lab.contoso.log()[after:].splitlines()
        ids = {
            match[1]
            for line in lines
            if (match := re.search(r": (\w+): message-id=<(\w+)@", line)) and match[2] == message.mark
        }
        own = [line for line in lines if any(f": {queue_id}: " in line for queue_id in ids)]
        removed = {
            queue_id for queue_id in ids if any(line.endswith(f" {queue_id}: removed") for line in own)
        }
        return "\n".join(own) if ids and ids <= removed | waiting else ""

    def _check(self) -> tuple[dict[str, list[dict[str, str]]], int]:
        done = self.product.command("check", "--json", check=False)
        return json.loads(done.stdout), done.returncode

    @contextmanager
    def _tidy(self, way: Way) -> Iterator[None]:
        """Begin with an empty queue and the partner's proper certificate, and end so."""
        if way.distrusted:
            self.lab.present(self.lab.woodgrove, self_signed(WOODGROVE))
        try:
            yield
        finally:
            self.lab.namespaces.run("postsuper", "-d", "ALL")
            if way.distrusted:
                self._present()

    def _change(self, way: Way) -> None:
        folder = self.lab.namespaces.outside(self._folder)
        folder.mkdir(exist_ok=True)
        for name, text in way.files.items():
            put(folder / name, self._filled(text).encode())
            (folder / name).chmod(0o644)
        configuration = self.lab.contoso.layout.configuration
        for setting in way.main:
            self._postconf("-e", setting)
        for entry in way.entries:
            put(
                master := self.lab.namespaces.outside(configuration / "master.cf"),
                master.read_bytes() + f"{self._filled(entry)}\n".encode(),
            )
        for service, setting in way.services:
            self._postconf("-P", f"{service}/{setting}")
        self.lab.contoso.age_main()

    def _postconf(self, option: str, setting: str) -> None:
        run, configuration = self.lab.namespaces.run, self.lab.contoso.layout.configuration
        run("postconf", "-c", configuration, option, self._filled(setting))

    def _filled(self, text: str) -> str:
        contoso = self.lab.contoso
        words = {"folder": str(self._folder)}
        words |= {
            name: contoso.parameter(name)
            for name in ("transport_maps", "smtp_tls_policy_maps", "virtual_alias_maps")
            if f"{{{name}}}" in text
        }
        for name, value in words.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def _files(self) -> dict[str, bytes]:
        folder = self.lab.namespaces.outside(self.lab.contoso.layout.configuration)
        return {name: (folder / name).read_bytes() for name in ("main.cf", "master.cf")}

    def _set(self, files: dict[str, bytes]) -> None:
        folder = self.lab.namespaces.outside(self.lab.contoso.layout.configuration)
        for name, content in files.items():
            put(folder / name, content)
        self.lab.contoso.age_main()

    def _prepare_servers(self) -> None:
        lab = self.lab
        domains = [*(f"{branch}.{WOODGROVE}" for branch in BRANCHES), INTERNATIONAL_ASCII]
        lab.dns.add(*(f"{domain}. MX 10 mail.{WOODGROVE}." for domain in domains))
        lab.woodgrove.configure(virtual_mailbox_domains="static:all", smtpd_relay_restrictions=_ANYBODY)
        lab.evil.configure(virtual_mailbox_domains="static:all", smtpd_relay_restrictions=_ANYBODY)
        self._present()
        lab.evil.reload()

    def _present(self) -> None:
        lab = self.lab
        names = (WOODGROVE, f"*.{WOODGROVE}", f"*.sales.{WOODGROVE}", INTERNATIONAL_ASCII)
        lab.present(lab.woodgrove, lab.authority.issue(WOODGROVE, dns_names=names))

    def _counters(self) -> dict[str, float]:
        return {
            name: value
            for name, value in self.product.metrics().items()
            if name.partition("{")[0] in _COUNTERS
        }

    def _counted_since(self, before: dict[str, float]) -> frozenset[str]:
        """Return which outbound counters have grown, once the daemon has read the whole log.

        That it has read a line which was not there before proves it of a reading that began before then;
        everything is read by the next one.
        """
        for _ in range(2):
            read = self._lines_read()
            self.lab.contoso.complete_log()
            wait_for(
                lambda read=read: self._lines_read() != read,  # type: ignore[misc]
                "the daemon to read Postfix's log",
                context=self.product.log,
            )
        now = self._counters()
        return frozenset(
            _COUNTERS[name.partition("{")[0]] for name, value in now.items() if value > before.get(name, 0.0)
        )

    def _lines_read(self) -> int:
        return int(self.product.metrics()["domain_secure_log_lines_total"])


def _last_hop(content: bytes) -> str:
    """Return what the last server noted of the session by which a message came."""
    return header_lines(content, "Received")[0]

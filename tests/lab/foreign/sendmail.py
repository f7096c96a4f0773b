"""Sendmail as Debian packages it: its own ``sendmail.mc`` with the snippets put in.

Sources: cf/README of Sendmail, sendmail(8), makemap(8).
"""

import re
from pathlib import Path

from .guide import without
from .mail_server import DELIVERED, HOST, OURS, REFUSED, THEIRS, WAITS, MailServer, Outcome
from lab.laboratory import ADDRESSES, WOODGROVE
from lab.messages import Message

_MC = Path("/etc/mail/sendmail.mc")
_CF = Path("/etc/mail/sendmail.cf")
_TABLES = (Path("/etc/mail/access"), Path("/etc/mail/mailertable"))
_PROGRAM, _MAKEMAP = "/usr/libexec/sendmail/sendmail", "/usr/libexec/sendmail/makemap"
_TRANSCRIPT = Path("/run/lab/sendmail.transcript")
_STOCK = Path("usr/share/sendmail/cf/debian/sendmail.mc")
#: What belongs to this machine: its address and name, and no second of waiting before each greeting.
_MACHINE = f"""\
define(`confDOMAIN_NAME', `{HOST}')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp, Addr={ADDRESSES[WOODGROVE]}')dnl
FEATURE(`local_lmtp', `/usr/libexec/sendmail/mail.local')dnl
CLIENT_OPTIONS(`Family=inet, Addr={ADDRESSES[WOODGROVE]}')dnl
"""


class Sendmail(MailServer):
    """Sendmail."""

    name = "Sendmail"
    heading = "Sendmail"
    packages = ("sendmail-bin", "sendmail-cf")
    users = ("smmta", "smmsp")

    def install(self) -> None:
        """Make what the package's scripts make."""
        super().install()
        self.run("install", "-d", "-m", "700", "/var/spool/mqueue", overlaid=False)
        self.run("install", "-d", "-o", "smmta", "/run/sendmail/mta", overlaid=False)
        self.write(Path("/etc/mail/local-host-names"), f"{WOODGROVE}\n")
        self.write(Path("/etc/mail/aliases"), "")
        for name in ("dialup", "provider"):
            self.write(Path(f"/etc/mail/m4/{name}.m4"), "")

    def configure(self, *, has_certificate: bool) -> None:
        """Make its file from Debian's and the snippets."""
        assert self.files is not None
        snippet = self.guide[_MC]
        if not has_certificate:
            snippet = without(snippet, "_CERT'", "_KEY'")
        stock = (self.files.folder / _STOCK).read_text()
        stock = "".join(
            line
            for line in stock.splitlines(keepends=True)
            if not line.startswith(("DAEMON_OPTIONS", "FEATURE(`greet_pause'"))
        )
        settings, rules, local = snippet.partition("LOCAL_RULESETS\n")
        before, mailers, behind = stock.partition("MAILER_DEFINITIONS")
        self.write(_MC, before + _MACHINE + settings + mailers + behind + rules + local)
        self.write(_CF, self.run("m4", _MC))
        for path in _TABLES:
            self.write(path, self.guide[path])
            self.run(_MAKEMAP, "hash", path, standard_input=self.guide[path])
        self.run(_PROGRAM, "-bi")

    def begin(self) -> None:
        """Start the daemon in the foreground."""
        self.run_on(_PROGRAM, "-bD", "-q1h")

    def send(self, message: Message) -> Outcome:
        """Let a user send a message, delivered at once in the foreground, and read what it prints."""
        text = message.content.decode().replace("\r\n", "\n")
        self.outside(_TRANSCRIPT).unlink(missing_ok=True)
        command = (_PROGRAM, "-odi", "-oi", "-v", "-X", _TRANSCRIPT, "-f", THEIRS, OURS)
        said = self.run(*command, standard_input=text, check=False)
        results: list[str] = re.findall(rf"(?m)^{OURS}\.\.\. (.*)$", said)
        replies = re.findall(r"(?m)^\d+ <<< ([45]\d\d .*)$", self.outside(_TRANSCRIPT).read_text())
        if any(result.startswith("Sent ") for result in results):
            return Outcome(DELIVERED)
        deferred = [result for result in results if result.startswith("Deferred")]
        if deferred:
            return Outcome(WAITS, deferred[-1])
        assert replies, said
        return Outcome(REFUSED, replies[0])

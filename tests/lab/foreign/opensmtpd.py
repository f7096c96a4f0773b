"""OpenSMTPD, of Debian 13: that of Debian 12 (6.8.0p2) cannot use any key of its own with OpenSSL 3.

Sources: smtpd.conf(5), smtpd(8), smtpctl(8).
"""

import re
from pathlib import Path

from .guide import without
from .mail_server import DELIVERED, OURS, REFUSED, THEIRS, WAITS, MailServer, Outcome
from lab.certificates import Issued
from lab.laboratory import WOODGROVE
from lab.messages import Message
from lab.waiting import wait_for

_CONFIGURATION = Path("/etc/smtpd.conf")
_FOR_US = "198.51.100.21"  #: where it demands a certificate, in the document
_SENDMAIL = Path("/run/lab/opensmtpd-sendmail/sendmail")  #: smtpctl goes by the name it is called by
_RESULT = re.compile(rf'to=<{OURS}>.* result="?(\w+)"? stat="?(.*)"?$', re.MULTILINE)
_WORDS = {"Ok": DELIVERED, "PermFail": REFUSED, "TempFail": WAITS}


class OpenSmtpd(MailServer):
    """OpenSMTPD."""

    name = "OpenSMTPD"
    heading = "OpenSMTPD"
    suite = "trixie"
    packages = ("opensmtpd",)
    users = ("opensmtpd", "opensmtpq")
    via = f"contoso.{WOODGROVE}"

    def install(self) -> None:
        """Make what the package's scripts make."""
        super().install()
        self.lab.namespaces.add_address(_FOR_US)
        self.lab.dns.add(f"{self.via}. A {_FOR_US}")
        self.run("install", "-d", "-m", "711", "/var/spool/smtpd", "/run/lab/opensmtpd-sendmail")
        # Its group is another one in the suite's root.
        self.run("install", "-g", "opensmtpq", "-m", "2755", "/usr/sbin/smtpctl", _SENDMAIL)

    def configure(self, *, has_certificate: bool) -> None:
        """Write its one file."""
        text = self.guide[_CONFIGURATION]
        if not has_certificate:
            text = without(text, "pki mail.woodgrovebank.test cert", "pki mail.woodgrovebank.test key")
            text = text.replace(" tls-require verify pki mail.woodgrovebank.test ca contoso", "")
            text = text.replace(" tls pki mail.woodgrovebank.test tag", " tag")
            text = text.replace(" pki mail.woodgrovebank.test", "")
        self.write(_CONFIGURATION, text)

    def begin(self) -> None:
        """Start it in the foreground."""
        self.run_on("smtpd", "-d")

    def try_as(self, issued: Issued | None, sender: str = OURS) -> Outcome:
        """Try the address for us, and where that one lets nobody in, the one for everybody."""
        outcome = self._try_at(_FOR_US, issued, sender)
        return outcome if outcome.word == DELIVERED else super().try_as(issued, sender)

    def send(self, message: Message) -> Outcome:
        """Let a user send a message, and wait for the line that says what became of it."""
        # It tries no host again soon that has failed.
        self.stop()
        self.run("rm", "-rf", "/var/spool/smtpd/queue", overlaid=False)
        self.begin()
        self._wait_until_it_answers()
        text = message.content.decode().replace("\r\n", "\n")
        self.run(_SENDMAIL, "-f", THEIRS, OURS, standard_input=text)
        found = wait_for(lambda: _RESULT.search(self.logged()), "OpenSMTPD's result", context=self._context)
        return Outcome(_WORDS[found[1]], found[2])

"""Exim 4 as Debian packages it, with its split configuration.

Sources: exim4(8), update-exim4.conf(8), spec.txt of Exim.
"""

import re
import shutil
from pathlib import Path
from typing import ClassVar

from .guide import without
from .mail_server import DELIVERED, HOST, OURS, REFUSED, THEIRS, WAITS, MailServer, Outcome
from lab.laboratory import ADDRESSES, WOODGROVE
from lab.messages import Message

_LOG = Path("/var/log/exim4/mainlog")
_CONFIGURATION = Path("/etc/exim4/exim4.conf")
#: What debconf would ask.
_DEBCONF = f"""\
dc_eximconfig_configtype='internet'
dc_other_hostnames='{WOODGROVE}'
dc_local_interfaces='{ADDRESSES[WOODGROVE]}'
dc_use_split_config='true'
dc_localdelivery='mail_spool'
"""
_MAIN = Path("/etc/exim4/conf.d/main/00_contoso")
_TRANSPORT = Path("/etc/exim4/conf.d/transport/30_contoso")
_WORDS = {"=>": DELIVERED, "**": REFUSED, "==": WAITS}


class Exim(MailServer):
    """Exim 4."""

    name = "Exim"
    heading = "Exim"
    packages = ("exim4-daemon-light",)
    users = ("Debian-exim",)
    key_owner: ClassVar[str] = "Debian-exim"

    def install(self) -> None:
        """Make what the package's scripts make."""
        super().install()
        self.run("install", "-d", "-o", "Debian-exim", "-g", "adm", _LOG.parent, "/var/spool/exim4")
        self.write(Path("/etc/exim4/update-exim4.conf.conf"), _DEBCONF)

    def configure(self, *, has_certificate: bool) -> None:
        """Put the snippets where they belong, and let Debian's script make one file of all."""
        for path, text in self.guide.items():
            self.write(path, text)
        # Names of Contoso's and Woodgrove's hosts differ from this machine's.
        self.write(_MAIN, f"MAIN_HARDCODE_PRIMARY_HOSTNAME = {HOST}\n" + self._main(has_certificate))
        if not has_certificate:
            self.write(_TRANSPORT, without(self.guide[_TRANSPORT], "tls_certificate =", "tls_privatekey ="))
        self.outside(_CONFIGURATION).unlink(missing_ok=True)
        self.run("update-exim4.conf", "--output", _CONFIGURATION)
        self.outside(_CONFIGURATION).chmod(0o644)

    def begin(self) -> None:
        """Start the daemon in the foreground."""
        self.run_on("exim4", "-bdf", "-q1h")

    def send(self, message: Message) -> Outcome:
        """Let a user send a message, delivered at once in the foreground, and read the log."""
        # What it remembers of a host that failed would keep it from trying again.
        shutil.rmtree(self.outside("/var/spool/exim4/db"), ignore_errors=True)
        before = len(self.logged())
        said = self.run(
            "exim4", "-odf", "-oi", "-f", THEIRS, OURS, standard_input=_local(message), check=False
        )
        found = re.search(rf"(?m) (=>|\*\*|==) {OURS} (.*)", self.logged()[before:])
        assert found, f"{said}\n{self.logged()[before:]}"
        return Outcome(_WORDS[found[1]], found[2])

    def logged(self) -> str:
        """Return its main log."""
        path = self.outside(_LOG)
        return path.read_text(errors="replace") if path.exists() else ""

    def _main(self, has_certificate: bool) -> str:
        text = self.guide[_MAIN]
        return text if has_certificate else without(text, "MAIN_TLS_ENABLE")


def _local(message: Message) -> str:
    return message.content.decode().replace("\r\n", "\n")

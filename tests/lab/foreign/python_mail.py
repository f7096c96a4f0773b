"""Programs rather than mail servers: aiosmtpd with smtplib, and swaks.

Sources: documentation of aiosmtpd, smtplib and swaks.
"""

import re
from pathlib import Path

from .guide import without
from .mail_server import DELIVERED, REFUSED, WAITS, MailServer, Outcome
from lab.messages import Message

_FOLDER = Path("/run/lab/woodgrove")
_PYTHON = "/usr/bin/python3"


class AioSmtpd(MailServer):
    """aiosmtpd takes mail, smtplib sends it."""

    name = "aiosmtpd"
    heading = "aiosmtpd and smtplib"
    packages = ("python3-aiosmtpd",)

    def configure(self, *, has_certificate: bool) -> None:
        """Write both programs."""
        for path, text in self.guide.items():
            if not has_certificate:
                text = without(text, "context.load_cert_chain")  # noqa: PLW2901
                text = text.replace(", tls_context=context", "")  # noqa: PLW2901
            self.write(_FOLDER / path.name, text)

    def begin(self) -> None:
        """Start the server."""
        self.run_on(_PYTHON, _FOLDER / "server.py")

    def send(self, message: Message) -> Outcome:
        """Run the client, which keeps nothing: what failed waits with whoever called it."""
        said = self.run(_PYTHON, _FOLDER / "client.py", standard_input=message.content.decode(), check=False)
        if "Traceback" not in said:
            return Outcome(DELIVERED)
        return _failed(said.strip().splitlines()[-1])


class Swaks(MailServer):
    """Swaks, which sends single messages."""

    name = "swaks"
    heading = "swaks"
    packages = ("swaks", "libnet-ssleay-perl")
    receives = False

    def configure(self, *, has_certificate: bool) -> None:
        """Write the script with its one command."""
        (text,) = self.guide.values()
        if not has_certificate:
            text = without(text, "--tls-cert", "--tls-key").rstrip().removesuffix("\\") + "\n"
        self.write(_FOLDER / "swaks.sh", text)

    def begin(self) -> None:
        """Do nothing: it is no server."""

    def send(self, message: Message) -> Outcome:
        """Run the command, which keeps nothing: what failed waits with whoever called it."""
        said = self.run("sh", _FOLDER / "swaks.sh", standard_input=message.content.decode(), check=False)
        replies = re.findall(r"(?m)^<[~*-]* +(\d{3} .*)$|^\*\*\* (.*)$", said)
        if re.search(r"(?m)^<~  250 .*queued", said):
            return Outcome(DELIVERED)
        failures = [reply or problem for reply, problem in replies if problem or reply[0] in "45"]
        return _failed(failures[0] if failures else said[-300:])

    def _answers(self) -> bool:
        return True


def _failed(said: str) -> Outcome:
    return Outcome(REFUSED if re.search(r"\b5\d\d\b", said) else WAITS, said)

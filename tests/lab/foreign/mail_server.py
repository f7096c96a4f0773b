"""What every other mail server has in common: Woodgrove's address, names, files and users.

Must not know: the product, and any one of them.
"""

import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import ClassVar

from .guide import snippets
from .packages import OfSuite, Unpacked
from lab.certificates import Issued
from lab.files import put
from lab.laboratory import ADDRESSES, AUTHORITY_FILE, CONTOSO, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.namespaces import InnerProcess, LabError
from lab.smtp_client import Dialogue
from lab.waiting import DEADLINE, wait_for

OURS, THEIRS = f"user@{CONTOSO}", f"admin@{WOODGROVE}"
HOST = f"mail.{WOODGROVE}"

#: Where the document has a partner keep his certificate, its key, and the authorities he believes.
CERTIFICATE = Path(f"/etc/ssl/mail/{WOODGROVE}.pem")
KEY = Path(f"/etc/ssl/mail/{WOODGROVE}.key")
AUTHORITIES = Path("/etc/ssl/mail/authorities.pem")
MAILBOX = Path("/var/mail/admin")

DELIVERED, REFUSED, WAITS = "delivered", "refused", "waits"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: one of the three words, and what was said of it."""

    word: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.said}"


class MailServer(ABC):
    """A mail server of Woodgrove's, with a certificate or with none."""

    name: ClassVar[str]
    heading: ClassVar[str]  #: under which the document tells how it is set up
    packages: ClassVar[tuple[str, ...]] = ()
    suite: ClassVar[str | None] = None  #: of Debian, where the host's own will not do
    users: ClassVar[tuple[str, ...]] = ()
    key_owner: ClassVar[str] = "root"
    receives: ClassVar[bool] = True
    mx: ClassVar[str] = HOST
    via: ClassVar[str | None] = None  #: the host for us alone, where it has one
    names: ClassVar[tuple[str, ...]] = (WOODGROVE, HOST)  #: in its certificate

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.files = self._files()
        self.guide = snippets(self.heading)
        self.log = lab.namespaces.outside(f"/run/lab/{self.name.replace(' ', '-').lower()}.log")
        self._process: InnerProcess | None = None

    @property
    def version(self) -> str:
        """Return its version, where it has one."""
        return self.files.version() if self.files else ""

    def install(self) -> None:
        """Do once what the package's scripts would: users, and its files in ``/etc``."""
        self.run("sh", "-c", _USERS, "lab", *self.users, overlaid=False)
        if isinstance(self.files, Unpacked) and (self.files.folder / "etc").exists():
            shutil.copytree(
                self.files.folder / "etc", self.outside("/etc"), symlinks=True, dirs_exist_ok=True
            )
        self.outside(CERTIFICATE.parent).mkdir(exist_ok=True)
        shutil.copyfile(self.outside(AUTHORITY_FILE), self.outside(AUTHORITIES))

    def start(self, identity: Issued | None) -> None:
        """Configure it as the document says, with a certificate or none, and start it."""
        if identity is not None:
            put(self.outside(CERTIFICATE), identity.pem())
            self.outside(KEY).unlink(missing_ok=True)
            put(self.outside(KEY), identity.key_pem, mode=0o600)
            self.run("chown", self.key_owner, KEY, overlaid=False)
        self.outside(MAILBOX).unlink(missing_ok=True)
        self.configure(has_certificate=identity is not None)
        self.begin()
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None and process.is_running:
            process.signal(signal.SIGTERM)
            process.wait(DEADLINE)

    @abstractmethod
    def configure(self, *, has_certificate: bool) -> None:
        """Write its files."""

    @abstractmethod
    def begin(self) -> None:
        """Start it."""

    @abstractmethod
    def send(self, message: Message) -> Outcome:
        """Hand it a message of Woodgrove's to Contoso, and return what becomes of it."""

    def delivered(self, mark: str) -> bytes | None:
        """Return what it has put into the mailbox, if *mark* is there."""
        path = self.outside(MAILBOX)
        content = path.read_bytes() if path.exists() else b""
        return content if mark.encode() in content else None

    def wait_for_delivery(self, mark: str) -> None:
        """Wait until a message that it has accepted is in the mailbox."""
        wait_for(lambda: self.delivered(mark), f"{self.name} to deliver", context=self._context)

    def try_as(self, issued: Issued | None, sender: str = OURS) -> Outcome:
        """Send it a message of a *sender* with somebody's certificate, or none, and return what it does."""
        return self._try_at(ADDRESSES[WOODGROVE], issued, sender)

    def _try_at(self, address: str, issued: Issued | None, sender: str) -> Outcome:
        message = compose(sender, THEIRS)
        context = self.lab.client_context(issued)
        try:
            with self._connected(address) as dialogue:
                dialogue.starttls(context)
                reply = dialogue.message(sender, THEIRS, message.content)
        except (OSError, EOFError) as error:
            return Outcome(WAITS, f"the session ends: {type(error).__name__}")
        if reply.code == 250:
            self.wait_for_delivery(message.mark)
            return Outcome(DELIVERED)
        return Outcome(REFUSED if reply.code >= 500 else WAITS, str(reply))

    def run(
        self,
        *command: str | Path,
        overlaid: bool = True,
        check: bool = True,
        standard_input: str | None = None,
    ) -> str:
        """Run a command with the server's files in place, unless told otherwise, and return what it said."""
        line: Sequence[str | Path] = self.files.entered(*command) if self.files and overlaid else command
        done = self.lab.namespaces.run(*line, check=check, standard_input=standard_input)
        return done.stdout + done.stderr

    def run_on(self, *command: str | Path) -> None:
        """Start the server's own process, which goes on until stop()."""
        line: Sequence[str | Path] = self.files.entered(*command) if self.files else command
        self.log.unlink(missing_ok=True)
        self._process = self.lab.namespaces.start(*line, output=self.log)

    def write(self, path: Path, text: str) -> None:
        """Write one of its files."""
        target = self.outside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        put(target, text.encode())

    def outside(self, path: str | Path) -> Path:
        """Return how a *path* inside is reached from here."""
        return self.lab.namespaces.outside(path)

    def logged(self) -> str:
        """Return what it printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _files(self) -> Unpacked | OfSuite | None:
        if self.suite is not None:
            return OfSuite(self.suite, *self.packages)
        return Unpacked(*self.packages) if self.packages else None

    def _wait_until_it_answers(self) -> None:
        def answers() -> bool:
            if self._process is not None and not self._process.is_running:
                raise LabError(f"{self.name} has ended:\n{self._context()}")
            return self._answers()

        wait_for(answers, f"{self.name} to answer", context=self._context)

    def _answers(self) -> bool:
        try:
            with self._connected(ADDRESSES[WOODGROVE]):
                return True
        except (OSError, EOFError):
            return False

    def _connected(self, address: str) -> Dialogue:
        with self.lab.namespaces.network():
            connection = create_connection((address, 25), DEADLINE, (self.lab.evil.address, 0))
        dialogue = Dialogue(connection)
        try:
            dialogue.greeting()
            dialogue.ehlo()
        except BaseException:
            connection.close()
            raise
        return dialogue

    def _context(self) -> str:
        return self.logged()[-4000:]


# What is there already stays; the mailboxes of the host are not the laboratory's.
_USERS = """
set -e
mountpoint -q /var/mail || mount -t tmpfs -o mode=1777 lab /var/mail
for user in admin "$@"; do
    id "$user" >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "/run/lab/$user" --create-home --shell /bin/sh "$user"
done
"""

"""Where an instance of Postfix logs to.

Owns: the rules of ``[postfix] log = "auto"``, and which tags are the instance's.
Sources: postconf(5) maillog_file, syslog_facility and syslog_name, MAILLOG_README; Debian's rsyslog.conf.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.queue import last_activity
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .log_file import LogFile
from .log_journal import LogJournal
from .log_source import LogSource, Position

#: Where syslog daemons write the mail facility by default: Debian, then Red Hat.
SYSLOG_FILES = (Path("/var/log/mail.log"), Path("/var/log/maillog"))
_SENDERS = frozenset({"smtp", "lmtp"})


@dataclass(frozen=True, slots=True)
class LogLocation:
    """A log file, or the journal."""

    file: Path | None  #: None: the journal
    facility: str
    syslog_names: frozenset[str]  #: of the instance and of its services
    why: str  #: how it was found, for a person
    queue_directory: Path | None = None  #: in which mail is seen to move
    users: frozenset[int] = frozenset()  #: who writes as Postfix, by number; empty: not known
    transport: str = ""  #: syslog_name of the dedicated transport; "": there is none

    def __str__(self) -> str:
        """Return the file's name, or the word."""
        return str(self.file or "journal")

    def last_activity(self) -> float | None:
        """Return when mail last moved in the queue, by the clock; None where that is not known."""
        return last_activity(self.queue_directory) if self.queue_directory else None

    def open(self, position: Position | None) -> LogSource:
        """Start reading at a position that the same kind of log gave, else at the end; raises Problem."""
        if self.file is not None:
            return LogFile(self.file, position)
        return LogJournal(self.facility, position, users=self.users)


def log_location(
    configuration: Configuration, instance: PostfixInstance, syslog_files: tuple[Path, ...] = SYSLOG_FILES
) -> LogLocation:
    """Return where the instance logs to; raises Problem when it cannot be asked."""
    values = instance.parameters("maillog_file", "queue_directory", "syslog_facility", "syslog_name")
    facility = values.get("syslog_facility", "mail")
    queue = Path(values["queue_directory"]) if "queue_directory" in values else None
    names = frozenset({values.get("syslog_name", "postfix"), *_overridden(instance)})

    dedicated = instance.service(f"{TRANSPORT_SERVICE}/unix")
    transport = instance.service_parameter(dedicated, "syslog_name") if dedicated else ""

    users = _users(instance)

    def found(file: Path | None, why: str) -> LogLocation:
        return LogLocation(file, facility, names, why, queue, users, transport)

    if configuration.postfix_log == "journal":
        return found(None, "[postfix] log")
    if configuration.postfix_log != "auto":
        return found(Path(configuration.postfix_log), "[postfix] log")
    if maillog_file := values.get("maillog_file", ""):
        if not maillog_file.startswith("/dev/"):
            return found(Path(maillog_file), "maillog_file")
        raise Problem(
            f"Postfix logs to {maillog_file}, which cannot be read back",
            f"{instance.config_directory}/main.cf: maillog_file",
            "let Postfix log to a file, or name one that it ends up in: [postfix] log",
        )
    for file in syslog_files:
        if file.exists():
            return found(file, "it is there, and maillog_file is empty")
    return found(None, "maillog_file is empty, and no syslog daemon writes a file for mail")


class LocationWatch:
    """Notices when Postfix's two files, or *others*, were changed, after which the log may be elsewhere."""

    def __init__(self, config_directory: Path, others: Iterable[Path] = ()) -> None:
        self._files = (config_directory / "main.cf", config_directory / "master.cf", *others)
        self._seen = self._look()

    def changed(self) -> bool:
        """Tell whether they were changed since the last question."""
        former, self._seen = self._seen, self._look()
        return former != self._seen

    def _look(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _users(instance: PostfixInstance) -> frozenset[int]:
    """Return who writes as Postfix: root, and the user of its processes (postconf(5) mail_owner)."""
    try:
        return frozenset({0, getpwnam(instance.mail_owner).pw_uid})
    except KeyError:
        return frozenset()


def _overridden(instance: PostfixInstance) -> set[str]:
    return {
        instance.service_parameter(service, "syslog_name")
        for service in instance.services()
        if "syslog_name" in service.overrides and (service.program in _SENDERS)
    }

"""One Postfix of the laboratory: its files, its start and end, its log, queue and mailbox.

Owns: how an instance is laid out.  Must not know: the product.
Contoso's is made as Debian's package makes one: stock ``main.cf`` and ``master.cf`` on the default paths.
The other instances live in folders of their own.  Any local part of the host's domain is delivered to one
Maildir.  Sources: postconf(5), maildir(5), Debian's postfix.postinst.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from .namespaces import Namespaces
from .waiting import wait_for

PROGRAMS = ("postfix", "postconf", "postqueue")

_STOCK_MAIN = Path("/usr/share/postfix/main.cf.debian")
_STOCK_MASTER = Path("/usr/share/postfix/master.cf.dist")
#: What a chrooted service of Postfix reads; Debian copies it when the service starts.
_CHROOT_FILES = ("resolv.conf", "hosts", "services", "nsswitch.conf", "host.conf", "localtime")
_MAIL_USER = 65534  #: nobody


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an instance keeps its files, as seen inside the namespaces."""

    configuration: Path
    queue: Path
    data: Path
    log: Path
    mail: Path

    @classmethod
    def below(cls, folder: Path) -> "Layout":
        """Return the layout of an instance that has one *folder* for everything."""
        return cls(folder / "etc", folder / "spool", folder / "lib", folder / "mail.log", folder / "mail")


#: The paths of Debian's package.
DEFAULT_LAYOUT = Layout(
    Path("/etc/postfix"),
    Path("/var/spool/postfix"),
    Path("/var/lib/postfix"),
    Path("/var/log/mail.log"),
    Path("/run/lab/mail"),
)


class PostfixHost:
    """A Postfix for one domain, listening on one address.

    *parameters* is what its main.cf says beyond the necessary; *stock* is text that main.cf begins with.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        domain: str,
        address: str,
        layout: Layout,
        parameters: dict[str, str],
        *,
        stock: str = "",
    ) -> None:
        self.namespaces = namespaces
        self.domain = domain
        self.address = address
        self.hostname = f"mail.{domain}"
        self.layout = layout
        self._lay_out(stock, self._necessary() | parameters)

    def outside(self, path: str | Path) -> Path:
        """Return how a *path* inside is reached from here."""
        return self.namespaces.outside(path)

    def start(self) -> None:
        """Start Postfix and wait until it accepts connections."""
        self._fill_chroot()
        # It returns when master(8) listens.
        self._postfix("start")

    def stop(self) -> None:
        """Stop Postfix; messages stay in its queue."""
        self._postfix("stop")

    def reload(self) -> None:
        """Let Postfix read its configuration again, and wait until it did."""
        # Twice: a reload that somebody asked for before, and that is yet to come, ends the first wait.
        for _ in range(2):
            with self.reloaded():
                self.namespaces.run("kill", "-HUP", self._master)

    def end(self, program: str) -> None:
        """End the processes of one of Postfix's programs; master(8) starts others when they are needed."""
        for process, name in self._processes().items():
            if name == program:
                self.namespaces.run("kill", process, check=False)

    @contextmanager
    def reloaded(self) -> Iterator[None]:
        """Wait, at the end, until a reload that the block has asked for is done; no other may be under way.

        What master(8) logs of it comes at its beginning.  It is over when there is a new qmgr(8), which is
        started last, and when nobody is left who has read the former files: no session may be open.
        """
        before = self._processes()

        def is_over() -> bool:
            now = self._processes()
            has_manager = any(now[process] == "qmgr" for process in now.keys() - before.keys())
            if not has_manager and "qmgr" not in now.values():
                # The former one may have taken with it what should have woken the next one.
                self.namespaces.run(
                    "postkick", "-c", self.layout.configuration, "public", "qmgr", "W", check=False
                )
            return has_manager and not now.keys() & before.keys()

        yield
        wait_for(is_over, f"{self.hostname} to be reloaded", context=lambda: self.log()[-4000:])

    def flush(self) -> None:
        """Try to deliver all that is queued, once nothing of it is being delivered."""
        self.wait_for_deferred()
        self.namespaces.run("postqueue", "-c", self.layout.configuration, "-f")

    def wait_for_deferred(self, number: int = 0) -> list[dict[str, object]]:
        """Return what is queued as soon as it is at least so many messages, all put off for later.

        That a recipient is deferred is logged before the message leaves the active queue.
        """

        def deferred() -> list[list[dict[str, object]]]:
            queue = self.queue()
            at_rest = all(entry["queue_name"] == "deferred" for entry in queue)
            return [queue] if at_rest and len(queue) >= number else []

        (queue,) = wait_for(deferred, f"{number} deferred messages", context=lambda: self.log()[-4000:])
        return queue

    def configure(self, **parameters: str) -> None:
        """Set main.cf *parameters*; in force after reload()."""
        settings = [f"{name}={value}" for name, value in parameters.items()]
        self.namespaces.run("postconf", "-c", self.layout.configuration, "-e", *settings)
        self.age_main()

    def age_main(self) -> None:
        """Let main.cf look like one that nobody edits: Postfix's programs wait for two seconds else."""
        path = self.outside(self.layout.configuration / "main.cf")
        past = path.stat().st_mtime - 10
        os.utime(path, (past, past))

    def parameter(self, name: str) -> str:
        """Return the value of a main.cf parameter, with everything in it expanded."""
        return self.namespaces.run("postconf", "-c", self.layout.configuration, "-hx", name).stdout.strip()

    def log(self) -> str:
        """Return everything that was logged."""
        path = self.outside(self.layout.log)
        return path.read_text(errors="replace") if path.exists() else ""

    def complete_log(self) -> str:
        """Return everything that was logged, also what is still on its way to the file."""
        mark = uuid4().hex
        self.namespaces.run("postlog", "-c", self.layout.configuration, mark)
        self.wait_for_log(mark)
        return self.log()

    def wait_for_log(self, pattern: str, *, after: int = 0) -> re.Match[str]:
        """Return the first match of a regular expression in the log, past its first *after* characters."""
        return wait_for(
            lambda: re.search(pattern, self.log()[after:], re.MULTILINE),
            f"{pattern!r} in the log of {self.hostname}",
            context=lambda: self.log()[-4000:],
        )

    def queue(self) -> list[dict[str, object]]:
        """Return what is queued: one document of ``postqueue -j`` for each message."""
        printed = self.namespaces.run("postqueue", "-c", self.layout.configuration, "-j").stdout
        return [json.loads(line) for line in printed.splitlines()]

    def mailbox(self) -> list[bytes]:
        """Return the messages that were delivered, the oldest first."""
        folder = self.outside(self.layout.mail / "inbox" / "new")
        if not folder.exists():
            return []
        # Maildir names begin with the time; within a second V and M tell inode and microseconds.
        paths = sorted(folder.iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [path.read_bytes() for path in paths]

    def delivered(self, mark: str) -> bytes | None:
        """Return the delivered message that contains *mark*, or None."""
        return next((message for message in self.mailbox() if mark.encode() in message), None)

    def wait_for_delivery(self, mark: str) -> bytes:
        """Return the message that contains *mark* as soon as it is delivered."""
        return wait_for(
            lambda: self.delivered(mark),
            f"a message with {mark!r} in the mailbox of {self.domain}",
            context=lambda: self.log()[-4000:],
        )

    @property
    def queue_manager(self) -> str | None:
        """Return the process id of qmgr(8), as counted inside; None between two of them."""
        return next((process for process, name in self._processes().items() if name == "qmgr"), None)

    @property
    def _master(self) -> str:
        """Return the process id of master(8), as counted inside."""
        return self.outside(self.layout.queue / "pid" / "master.pid").read_text().strip()

    def _processes(self) -> dict[str, str]:
        """Return what master(8) has started: process id, as counted inside, and name."""
        folder, master = self.outside("/proc"), self._master
        children = (folder / master / "task" / master / "children").read_text().split()
        return {child: _name_of(folder / child) for child in children}

    def _postfix(self, command: str) -> None:
        self.namespaces.run("postfix", "-c", self.layout.configuration, command)

    def _necessary(self) -> dict[str, str]:
        asked = self.namespaces.run("postconf", "-dh", "maillog_file_permissions")
        # Where Postfix knows it, a log file is for root alone unless somebody says otherwise.
        readable = {"maillog_file_permissions": "0644"} if asked.stdout.strip() else {}
        return readable | {
            "myhostname": self.hostname,
            "mydestination": f"localhost.{self.domain}, localhost",
            "inet_interfaces": self.address,
            "smtp_bind_address": self.address,
            "queue_directory": str(self.layout.queue),
            "data_directory": str(self.layout.data),
            "maillog_file": str(self.layout.log),
            "maillog_file_prefixes": "/var, /run",
            "virtual_mailbox_domains": self.domain,
            "virtual_mailbox_base": str(self.layout.mail),
            "virtual_mailbox_maps": "static:inbox/",
            "virtual_uid_maps": f"static:{_MAIL_USER}",
            "virtual_gid_maps": f"static:{_MAIL_USER}",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_tls_security_level": "may",
            "smtp_tls_security_level": "may",
        }

    def _lay_out(self, stock: str, parameters: dict[str, str]) -> None:
        layout = self.layout
        for folder in (layout.configuration, layout.queue, layout.data, layout.mail):
            self.outside(folder).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.outside(layout.data), "postfix", "postfix")
        os.chown(self.outside(layout.mail), _MAIL_USER, _MAIL_USER)
        self.outside(layout.configuration / "main.cf").write_text(stock)
        self.configure(**parameters)
        shutil.copyfile(_STOCK_MASTER, self.outside(layout.configuration / "master.cf"))

    def _fill_chroot(self) -> None:
        etc = self.outside(self.layout.queue / "etc")
        etc.mkdir(exist_ok=True)
        for name in _CHROOT_FILES:
            path = self.outside(f"/etc/{name}")
            if path.exists():
                shutil.copyfile(path, etc / name)


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended while we looked


def stock_host(namespaces: Namespaces, domain: str, address: str, parameters: dict[str, str]) -> PostfixHost:
    """Return a Postfix as Debian's package configures an "Internet Site", on the default paths.

    It takes mail from the loopback interface for any destination; that is how a test sends from here.
    """
    namespaces.outside("/etc/mailname").write_text(domain + "\n")
    settings = {
        "smtpd_relay_restrictions": "permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
        "myorigin": "/etc/mailname",
        "relayhost": "",
        "mynetworks": "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128",
        "mailbox_size_limit": "0",
        "recipient_delimiter": "+",
        "inet_protocols": "all",
        "inet_interfaces": f"127.0.0.1, {address}",
    }
    return PostfixHost(
        namespaces, domain, address, DEFAULT_LAYOUT, settings | parameters, stock=_STOCK_MAIN.read_text()
    )


def separate_host(
    namespaces: Namespaces, domain: str, address: str, parameters: dict[str, str]
) -> PostfixHost:
    """Return a Postfix in a folder of its own, which takes mail from its own address for any destination."""
    settings = {
        "compatibility_level": "3.6",
        "mynetworks": f"{address}/32",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    }
    layout = Layout.below(Path("/run/lab") / domain)
    return PostfixHost(namespaces, domain, address, layout, settings | parameters)

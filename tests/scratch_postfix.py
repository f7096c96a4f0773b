"""A Postfix configuration of its own for one test, and our configuration beside it; nothing of it runs."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from domain_secure.commands.main import main
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import SUFFIXES, map_type

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.contoso.test
mydestination = contoso.test, localhost
relay_domains =
"""

MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
cleanup   unix  n       -       y       -       0       cleanup
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
error     unix  -       -       y       -       -       error
postlog   unix-dgram n  -       n       -       1       postlogd
"""


@dataclass(frozen=True)
class Scratch:
    """The folder of one test: ``postfix/``, ``state/`` and ``domain-secure.toml``."""

    folder: Path

    @property
    def instance(self) -> PostfixInstance:
        """Return the Postfix instance."""
        return PostfixInstance(self.folder / "postfix")

    @property
    def state(self) -> Path:
        """Return our state folder."""
        return self.folder / "state"

    @property
    def maps(self) -> Path:
        """Return the folder of the generated tables."""
        return self.state / "maps"

    @property
    def configuration(self) -> Path:
        """Return our configuration file."""
        return self.folder / "domain-secure.toml"

    def configure(self, text: str) -> None:
        """Write our configuration: *text*, with the paths of this folder added."""
        self.configuration.write_text(
            f'{text}\n[paths]\nstate = "{self.state}"\n'
            f'[postfix]\nconfig_directory = "{self.folder}/postfix"\n'
            '[metrics]\nlisten = "127.0.0.1:1"\n'
        )

    def set(self, *settings: str) -> None:
        """Set parameters of main.cf, each ``name = value``."""
        path = self.folder / "postfix" / "main.cf"
        names = tuple(f"{setting.split()[0]} =" for setting in settings)
        kept = [line for line in path.read_text().splitlines() if not line.startswith(names)]
        path.write_text("\n".join([*kept, *settings, ""]))
        self.age()

    def set_service(self, start: str, *settings: str) -> None:
        """Add options, each ``name = value``, to the service whose entry begins with *start*."""
        path = self.folder / "postfix" / "master.cf"
        before, entry, after = re.split(rf"(?m)(^{re.escape(start)}.*\n(?:[ \t#].*\n)*)", path.read_text())
        options = "".join(f"  -o {{ {setting} }}\n" for setting in settings)
        path.write_text(before + entry + options + after)

    def add_service(self, entry: str) -> None:
        """Add a line to master.cf."""
        with (self.folder / "postfix" / "master.cf").open("a") as stream:
            stream.write(f"{entry}\n")

    def age(self) -> None:
        """Make main.cf look old: Postfix's programs wait until it is more than a second old."""
        os.utime(self.folder / "postfix" / "main.cf", (0, 0))

    def run(self, *arguments: str) -> int:
        """Run our command line in this process; return its exit status."""
        return main(["--config", str(self.configuration), *arguments])

    def lookup(self, table: str, *keys: str) -> dict[str, str]:
        """Look keys up in a generated table, with postmap(1)."""
        return self.instance.query(f"{self.map_type}:{self.maps}/{table}", keys)

    def compiled(self, table: str) -> Path:
        """Return what postmap(1) makes of a generated table."""
        return self.maps / f"{table}{SUFFIXES[self.map_type][0]}"

    @property
    def map_type(self) -> str:
        """Return the type that tables are generated in here."""
        return map_type(self.instance)


def make_scratch(folder: Path) -> Scratch:
    """Return a fresh one below *folder*, with an empty state folder."""
    for name in ("postfix", "state", "queue", "data"):
        (folder / name).mkdir()
    (folder / "postfix" / "main.cf").write_text(MAIN.format(folder=folder))
    (folder / "postfix" / "master.cf").write_text(MASTER)
    scratch = Scratch(folder)
    scratch.age()
    return scratch

"""The folder of our certificates, which is the daemon's user's, in the hands of commands that root runs."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.product import COMMAND

pytestmark = pytest.mark.real

# Refuses as another user than root what a closed installation holds: all but the standard library.
_CLOSED = """\
import os, sys
class Closed:
    def find_spec(self, name, path=None, target=None):
        if os.geteuid() != 0 and name.partition(".")[0] not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"{name} is imported as another user")
sys.meta_path.insert(0, Closed())
from domain_secure.commands.main import main
sys.exit(main())
"""


def test_nothing_of_ours_is_imported_as_another_user() -> None:
    """Root's commands work where the daemon's user may not read our installation."""
    nobody = pwd.getpwnam("nobody")
    # Not below pytest's own folder, which is closed to nobody.
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir()
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
        (folder / "domain-secure.toml").write_text(f'[paths]\nstate = "{state}"\n')
        (folder / "password").write_text("sesame and more\n")

        def cert(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-c", _CLOSED, "--config", "domain-secure.toml", "cert", *arguments],
                cwd=folder,
                env={"DOMAIN_SECURE_DEBUG": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        domains = ("--domain", "contoso.test", "--domain", "woodgrovebank.test")
        cert("ca", "init", *domains, "--out", "root.pem")
        cert("request", "--domain", "mail.contoso.test", "--exportable", "--out", "a.csr")
        cert("ca", "issue", "a.csr", "--out", "a.pem", "--crl-out", "a.crl")
        cert("import", "a.pem")
        thumbprint = cert("list", "--json").split('"thumbprint": "')[1].split('"')[0]
        cert("show", thumbprint)
        cert("export", thumbprint, "--out", "a.pfx", "--password-file", "password")
        cert("import", "a.pfx", "--password-file", "password")


class Planted:
    """A state folder that is nobody's, and what nobody can do in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(self.state, nobody.pw_uid, nobody.pw_gid)
        (folder / "domain-secure.toml").write_text(f'[paths]\nstate = "{self.state}"\n')

    def cert(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as root."""
        return subprocess.run(
            [COMMAND, "--config", "domain-secure.toml", "cert", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def as_nobody(self, *command: str | Path) -> None:
        """Run a command as the owner of the state folder."""
        subprocess.run(command, check=True, user="nobody", group="nogroup", extra_groups=[])


@pytest.fixture
def planted() -> Iterator[Planted]:
    """A state folder that nobody may enter."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield Planted(folder)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return owner, mode and content of all that is in a folder."""
    return {
        str(path): (path.lstat().st_uid, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("place", ["keys", "keys/requests", "keys/certificates", "keys/ca"])
def test_root_follows_no_link_of_the_daemons_user(planted: Planted, place: str) -> None:
    """A command that would go there ends with a line that names the link; root's folder stays as it was."""
    roots = planted.folder / "roots"
    for name in ("certificates/x", "requests/x", ".cache", ".unfinished-x"):
        (roots / name).mkdir(parents=True)
    (roots / ".key.pem.abc").write_text("of root")
    before = tree(planted.folder / "roots")
    link = planted.state / place
    if place != "keys":
        planted.as_nobody("mkdir", "-m", "700", planted.state / "keys")
    planted.as_nobody("ln", "-s", roots, link)
    commands = {
        "keys": ("list", "request", "ca"),
        "keys/requests": ("list", "request"),
        "keys/certificates": ("list",),
        "keys/ca": ("ca",),
    }[place]
    arguments = {
        "list": ("list",),
        "request": ("request", "--domain", "mail.contoso.test", "--out", "a.csr"),
        "ca": ("ca", "init", "--domain", "contoso.test", "--out", "root.pem"),
    }
    for command in commands:
        done = planted.cert(*arguments[command])
        assert done.returncode != 0
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert f"(Permission denied: it is a symbolic link): {link}" in line
    assert tree(planted.folder / "roots") == before


def test_root_reads_no_key_by_a_link(planted: Planted) -> None:
    """A key of root's that the daemon's user cannot read is not exported, nor copied into a file of his."""
    assert planted.cert("ca", "init", "--domain", "contoso.test", "--out", "root.pem").returncode == 0
    for name in ("a", "b"):
        arguments = ("--domain", "mail.contoso.test", "--exportable", "--out", f"{name}.csr")
        assert planted.cert("request", *arguments).returncode == 0
        assert planted.cert("ca", "issue", f"{name}.csr", "--out", f"{name}.pem").returncode == 0
        assert planted.cert("import", f"{name}.pem").returncode == 0
    (planted.folder / "password").write_text("sesame and more\n")
    first, second = sorted((planted.state / "keys" / "certificates").iterdir())
    secret = planted.folder / "secret.pem"
    secret.touch(0o600)
    secret.write_bytes((first / "key.pem").read_bytes())
    planted.as_nobody("ln", "-sf", secret, first / "key.pem")
    done = planted.cert("export", first.name, "--out", "a.pfx", "--password-file", "password")
    assert done.returncode != 0
    assert "(Permission denied: it is a symbolic link)" in done.stderr
    assert not (planted.folder / "a.pfx").exists()
    done = planted.cert("export", second.name, "--out", "b.pfx", "--password-file", "password")
    assert done.returncode == 0, done.stderr

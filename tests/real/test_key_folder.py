"""The folder of our certificates, written as the daemon's user by commands that root runs."""

import os
import pwd
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

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

"""Commands of root in a state folder whose owner, the daemon's user, wants to lead them elsewhere."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.product import COMMAND, CONFIGURATION, STATE, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

ROOTS = Path("/run/lab/roots")
COMMANDS = (
    ("attach", "--dry-run"),
    ("attach",),
    ("cert", "ca", "list"),
    ("cert", "import", "/run/lab/own.pem"),
    ("cert", "list"),
    ("cert", "refresh"),
    ("cert", "request", "--domain", f"mail.{CONTOSO}"),
    ("cert", "revocation", "refresh", "--timeout", "1"),
    ("check",),
    ("explain", "--from", f"a@{WOODGROVE}", "--client", ADDRESSES[WOODGROVE], "--fingerprint", "00" * 32),
    ("generate",),
    ("generate", "--check"),
    ("log", "receive", "verbose", "--for", "1h"),
    ("log", "show"),
    ("partner", "cert", "add", WOODGROVE, "/run/lab/partner.pem"),
    ("partner", "show", WOODGROVE),
    ("pending",),
    ("report",),
    ("send", "add", "fabrikam.test", "--no-wait"),
    ("send", "remove", "fabrikam.test", "--no-wait"),
    ("status",),
    ("whatif",),
    ("detach",),
)
HUGE = 3 * 1024**3


@pytest.fixture(scope="module")
def filled(lab: Lab) -> Iterator[Product]:
    """The product with everything in its state folder, as it is when the daemon has ended."""
    product = Product(lab)
    product.install(WOODGROVE)
    outside = lab.namespaces.outside
    outside("/run/lab/own.pem").write_bytes(lab.identities[CONTOSO].pem(key=True))
    outside("/run/lab/partner.pem").write_bytes(lab.identities[WOODGROVE].pem())
    product.command("cert", "import", "/run/lab/own.pem")
    product.command("cert", "enable", lab.identities[CONTOSO].fingerprint, "--force")
    product.command("cert", "ca", "init", "--domain", CONTOSO, "--out", "/run/lab/root.pem")
    product.command("cert", "request", "--domain", f"mail.{CONTOSO}", "--out", "/run/lab/a.csr")
    product.command("log", "receive", "verbose", "--for", "2h")
    product.command("cert", "revocation", "refresh", check=False)
    sender = f"a@{WOODGROVE}"
    lab.send(
        lab.contoso,
        compose(sender, f"b@{CONTOSO}"),
        source=ADDRESSES[WOODGROVE],
        sender=sender,
        recipient=f"b@{CONTOSO}",
        tls=lab.client_context(lab.identities[WOODGROVE]),
    )
    wait_for(outside(STATE / "history.sqlite").exists, "the history")
    product.stop()
    state = outside(STATE)
    (state / "fleet").mkdir()
    (state / "fleet" / "revision.json").write_text("{}")
    (state / "revocation-failures.json").write_text("[]")
    kept = outside("/run/lab/kept")
    lab.namespaces.run("cp", "-a", STATE, "/run/lab/kept")
    yield product
    assert kept.is_dir()


def plant(product: Product, kind: str) -> Path:
    """Restore the state folder, put something in the place of what is in it, and return root's folder."""
    outside, run = product.lab.namespaces.outside, product.lab.namespaces.run
    run("rm", "-rf", STATE, ROOTS)
    run("cp", "-a", "/run/lab/kept", STATE)
    run("cp", "-a", "/run/lab/kept", ROOTS)
    run("chown", "-R", "root:root", ROOTS)
    run("chmod", "700", ROOTS)
    state = outside(STATE)
    owner = state.stat().st_uid
    if kind == "linked folders":
        for path in [one for one in state.iterdir() if one.is_dir()]:
            shutil.rmtree(path)
            path.symlink_to(ROOTS / path.name)
            os.chown(path, owner, owner, follow_symlinks=False)
        return outside(ROOTS)
    files = [one for one in state.rglob("*") if one.is_file() and not one.is_symlink()]
    for path in files:
        place = path.relative_to(state)
        if not path.exists():
            continue
        path.unlink()
        _PLANTED[kind](path, place)
        if kind != "hard links":  # they would be no longer root's
            os.chown(path, owner, owner, follow_symlinks=False)
    return outside(ROOTS)


def _huge(path: Path, place: Path) -> None:
    del place
    with path.open("wb") as stream:
        stream.truncate(HUGE)


def _hard(path: Path, place: Path) -> None:
    os.link(path.parents[len(place.parts) - 1].parent / ROOTS.name / place, path)


_PLANTED: dict[str, Callable[[Path, Path], None]] = {
    "linked files": lambda path, place: path.symlink_to(ROOTS / place),
    "dangling links": lambda path, place: path.symlink_to(ROOTS / "not-there" / place.name),
    "pipes": lambda path, _: os.mkfifo(path),
    "huge files": _huge,
    "folders": lambda path, _: path.mkdir(),
    "hard links": _hard,
}


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return owner, mode and content of all that is in a folder."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (state.st_uid, state.st_mode, content)
    return found


@pytest.mark.parametrize("kind", ["linked folders", *_PLANTED])
def test_root_is_led_nowhere(filled: Product, kind: str) -> None:
    """Each command ends, in words, and nothing of root's is changed, removed or made."""
    run = filled.lab.namespaces.run
    for command in COMMANDS:
        roots = plant(filled, kind)
        before = tree(roots)
        done = run(
            "timeout", "60", "prlimit", f"--as={2 * 1024**3}", COMMAND, "--config", CONFIGURATION, *command,
            check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode in {0, 1, 2, 3}, (command, said)
        assert "Traceback" not in said, (command, said)
        assert "internal" not in said, (command, said)
        assert tree(roots) == before, command

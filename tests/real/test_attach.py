"""``attach`` and ``detach`` on a Postfix that runs, stock as Debian's package makes it, with chroot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose
from lab.product import STATE, USER, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def listed(lab: Lab) -> Product:
    """The product with Woodgrove on both lists, not attached."""
    product = Product(lab)
    product.command("receive", "add", WOODGROVE)
    product.command("send", "add", WOODGROVE)
    return product


@pytest.fixture
def files(listed: Product) -> Iterator[list[Path]]:
    """main.cf and master.cf of Contoso, seen from here, in a state that is given back."""
    folder = listed.lab.contoso.outside(listed.lab.contoso.layout.configuration)
    paths = [folder / "main.cf", folder / "master.cf"]
    before = [(path.read_bytes(), path.stat().st_mode) for path in paths]
    yield paths
    for path, (content, mode) in zip(paths, before, strict=True):
        path.write_bytes(content)
        path.chmod(mode)
    listed.lab.contoso.reload()


def complaints(product: Product) -> list[str]:
    """Return what ``postfix check`` has to say, which it says to the log."""
    contoso = product.lab.contoso
    before = len(contoso.complete_log())
    product.lab.namespaces.run("postfix", "-c", contoso.layout.configuration, "check")
    return [
        line.split(": ", 1)[1]
        for line in contoso.complete_log()[before:].splitlines()
        if "postfix-script" in line
    ]


def test_attach_and_detach_leave_no_trace(listed: Product, files: list[Path]) -> None:
    """Bytes, mode and owner are as before; Postfix was told each time and has nothing to complain of."""
    files[0].chmod(0o640)
    before = [(path.read_bytes(), path.stat().st_mode, path.stat().st_uid) for path in files]
    known = complaints(listed)
    listed.attach()
    assert complaints(listed) == known
    folder = listed.lab.contoso.layout.queue / "domain-secure"
    state = listed.lab.namespaces.run("stat", "-c", "%U %G %a", folder).stdout.split()
    assert state == [USER, "postfix", "2750"]
    assert "nothing to do" in listed.command("attach").stdout
    queue = listed.lab.contoso.outside(listed.lab.contoso.layout.queue)
    wait_for((queue / "private" / "domain-secure").exists, "the socket of our transport")
    done = listed.detach()
    assert "changed" in done.stdout
    assert "also what waits in the queue, leaves as other mail does" in done.stderr
    assert [(path.read_bytes(), path.stat().st_mode, path.stat().st_uid) for path in files] == before
    assert not [path for path in queue.glob("**/*domain-secure*") if path.exists()]
    assert "not attached" in listed.command("detach").stdout


def changed_lines(diff: str, sign: str) -> list[str]:
    """Return the lines of a unified diff that begin with *sign*, without the names of files."""
    lines = diff.splitlines()
    return sorted(line[1:] for line in lines if line.startswith(sign) and not line.startswith(sign * 3))


def test_dry_run_prints_the_difference_and_changes_nothing(listed: Product, files: list[Path]) -> None:
    """What attach says it would add is what detach says it would take out."""
    before = [path.read_bytes() for path in files]
    patch = listed.command("attach", "--dry-run").stdout
    assert listed.command("attach", "--dry-run", "--check", check=False).returncode == 1
    assert listed.command("detach", "--check").stdout.startswith("already so: not attached")
    assert [path.read_bytes() for path in files] == before
    listed.attach()
    assert listed.command("attach", "--check").stdout.startswith("already so: attached")
    assert listed.command("detach", "--check", check=False).returncode == 1
    attached = [path.read_bytes() for path in files]
    undo = listed.command("detach", "--dry-run").stdout
    assert [path.read_bytes() for path in files] == attached
    assert changed_lines(patch, "+") == changed_lines(undo, "-") != []
    listed.detach()
    assert [path.read_bytes() for path in files] == before


@pytest.mark.usefixtures("files")
def test_attached_without_a_daemon_mail_waits(listed: Product) -> None:
    """Nothing slips through between attach and the daemon's start; attach says that it waits."""
    lab = listed.lab
    done = listed.attach()
    assert "the daemon does not run" in done.stderr
    message = compose(f"admin@{EVIL}", f"user@{CONTOSO}")
    reply = lab.send(
        lab.contoso, message, source=ADDRESSES[EVIL], sender=f"admin@{EVIL}", recipient=f"user@{CONTOSO}"
    )
    assert reply.code == 451
    listed.detach()
    reply = lab.send(
        lab.contoso, message, source=ADDRESSES[EVIL], sender=f"admin@{EVIL}", recipient=f"user@{CONTOSO}"
    )
    assert reply.code == 250


def test_a_directory_that_is_none_is_named(listed: Product) -> None:
    """Wrong use has status 2 and one line."""
    done = listed.command("attach", "--config-dir", "/nonexistent", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("domain-secure: there is no such directory: /nonexistent: ")


def test_all_directories_are_detached(listed: Product, files: list[Path], tmp_path: Path) -> None:
    """`detach --all` also finds a directory that only the record names, and passes over one that is gone."""
    before = [path.read_bytes() for path in files]
    listed.command("attach", "--config-dir", listed.lab.contoso.layout.configuration)
    assert [path.read_bytes() for path in files] != before
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(f'[paths]\nstate = "{STATE}"\n[postfix]\nconfig_directory = "{tmp_path}"\n')
    listed.command("--config", elsewhere, "detach", "--all")
    assert [path.read_bytes() for path in files] == before


@pytest.mark.usefixtures("files")
def test_attach_says_where_mail_goes(listed: Product) -> None:
    """It asks Postfix after its change: others' patterns come later, what comes first is no success."""
    contoso = listed.lab.contoso
    done = listed.attach("--no-receive")
    assert "mail for the one listed domain leaves over verified TLS only" in done.stdout
    for maps in (r"regexp:{{/.*/ smtp:[relay.contoso.test]}}", "static:{smtp:[relay.contoso.test]}"):
        listed.detach()
        contoso.configure(transport_maps=maps)
        done = listed.command("attach", "--no-receive")
        assert "mail for the one listed domain leaves over verified TLS only" in done.stdout
    listed.detach()
    contoso.configure(transport_maps="", content_filter="smtp:[relay.contoso.test]")
    done = listed.command("attach", "--no-receive", check=False)
    assert done.returncode == 1
    assert "content_filter = smtp:[relay.contoso.test]" in done.stderr
    assert "verified TLS only" not in done.stdout
    listed.detach()
    contoso.configure(transport_maps="texthash:/nonexistent/table", content_filter="")
    done = listed.command("attach", "--no-receive", check=False)
    assert done.returncode == 1
    assert "/nonexistent/table" in done.stderr
    assert "verified TLS only" not in done.stdout

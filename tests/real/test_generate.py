"""``domain-secure generate`` with Postfix's own postmap and postconf."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.configuration.reading import load
from domain_secure.policy.files.held_folder import LOCK
from domain_secure.postfix.tables.publish import publish

pytestmark = pytest.mark.real

ONE = '[send]\ndomains = ["woodgrovebank.test"]'
TWO = '[send]\ndomains = ["woodgrovebank.test", "*.fabrikam.com"]'


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """Return a scratch configuration that sends to one partner."""
    scratch = make_scratch(tmp_path)
    scratch.configure(ONE)
    return scratch


def states(scratch: Scratch) -> dict[str, tuple[int, int, int]]:
    """Return inode, size and modification time of every file below ``maps``."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_size, path.stat().st_mtime_ns)
        for path in scratch.maps.iterdir()
    }


def contents(scratch: Scratch) -> dict[str, bytes]:
    """Return what is in every file below ``maps``."""
    return {path.name: path.read_bytes() for path in scratch.maps.iterdir()}


def start_generate(scratch: Scratch) -> subprocess.Popen[bytes]:
    """Start ``generate`` as a process of its own."""
    program = "import sys; from domain_secure.commands.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, "--config", str(scratch.configuration), "generate"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_postfix_finds_what_was_generated(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tables answer Postfix's look-ups, and the command says what it wrote."""
    scratch.configure(TWO)
    assert scratch.run("generate") == 0
    assert scratch.lookup("tls_policy", "woodgrovebank.test", ".fabrikam.com", "fabrikam.com") == {
        "woodgrovebank.test": "secure match=woodgrovebank.test:.woodgrovebank.test "
        "protocols=>=TLSv1.2 ciphers=high",
        ".fabrikam.com": "secure match=fabrikam.com:.fabrikam.com protocols=>=TLSv1.2 ciphers=high",
    }
    assert scratch.lookup("transport", "WoodgroveBank.test") == {"WoodgroveBank.test": "domain-secure:"}
    printed = capsys.readouterr()
    assert f"wrote {scratch.maps}/tls_policy ({scratch.map_type}): 2 TLS policies" in printed.out
    assert "Postfix does not use the tables yet" in printed.err


def test_no_warning_once_attached(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of attach when main.cf names the table."""
    scratch.set(f"smtp_tls_policy_maps = {scratch.map_type}:{scratch.maps}/tls_policy")
    assert scratch.run("generate") == 0
    assert capsys.readouterr().err == ""


def test_unchanged_lists_change_no_file(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run leaves every inode and every byte, and says that there was nothing to do."""
    scratch.run("generate")
    before = states(scratch)
    capsys.readouterr()
    assert scratch.run("generate") == 0
    assert states(scratch) == before
    assert capsys.readouterr().out.startswith("already so: nothing to do")


def test_a_change_of_the_receive_list_replaces_nothing(scratch: Scratch) -> None:
    """The tables are about sending."""
    scratch.run("generate")
    before = states(scratch)
    scratch.configure(f'{ONE}\n[receive]\ndomains = ["a.test"]\n[inbound]\nwhen_down = "defer-listed"')
    scratch.run("generate")
    assert states(scratch) == before


def test_a_replaced_table_is_a_new_file(scratch: Scratch) -> None:
    """The compiled table is renamed into place, so that a process that has the old one open notices."""
    scratch.run("generate")
    with scratch.compiled("tls_policy").open("rb") as opened:
        scratch.configure(TWO)
        scratch.run("generate")
        assert os.fstat(opened.fileno()).st_nlink == 0


def test_check_prints_the_difference_and_writes_nothing(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check exits 1, shows a unified diff, and creates not even a folder."""
    assert scratch.run("generate", "--check") == 1
    assert not scratch.maps.exists()
    scratch.run("generate")
    before = states(scratch)
    assert scratch.run("generate", "--check") == 0
    capsys.readouterr()
    scratch.configure(TWO)
    assert scratch.run("generate", "--check") == 1
    printed = capsys.readouterr().out
    assert "@@ -1 +1,2 @@\n woodgrovebank.test\t" in printed
    assert "\n+.fabrikam.com\tsecure match=" in printed
    assert states(scratch) == before


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b""), os.utime])
def test_a_compiled_table_at_fault_is_noticed_and_mended(
    scratch: Scratch, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A compiled table that is missing, or that someone wrote to, is a difference."""
    scratch.run("generate")
    spoil(scratch.compiled("transport"))
    assert scratch.run("generate", "--check") == 1
    assert "transport" in capsys.readouterr().err
    assert scratch.run("generate") == 0
    assert scratch.run("generate", "--check") == 0
    assert scratch.lookup("transport", "woodgrovebank.test") == {"woodgrovebank.test": "domain-secure:"}


def test_a_record_that_makes_no_sense_costs_only_work(scratch: Scratch) -> None:
    """A damaged record leads to the tables being built again."""
    scratch.run("generate")
    (scratch.maps / "published.json").write_text('{"map_type": "hash", "input": 3, "tables": {"x": []}}')
    assert scratch.run("generate", "--check") == 1
    assert scratch.run("generate") == 0
    assert scratch.run("generate", "--check") == 0


def test_what_a_killed_run_left_is_removed(scratch: Scratch) -> None:
    """A new source beside an old compiled table, and temporary files, do not survive the next run."""
    scratch.run("generate")
    (scratch.maps / "tls_policy").write_text("other.test\tnone\n")
    (scratch.maps / ".tls_policy.new").write_text("half a li")
    scratch.compiled(".tls_policy.new").write_text("")
    assert scratch.run("generate") == 0
    assert [name for name in contents(scratch) if name.startswith(".")] == [LOCK]
    assert scratch.lookup("tls_policy", "other.test", "woodgrovebank.test").keys() == {"woodgrovebank.test"}


def test_killed_at_any_moment_the_tables_answer(tmp_path: Path) -> None:
    """Whenever ``generate`` is killed, every table still answers whole: as before or as after."""
    scratch = make_scratch(tmp_path)
    entries = [f"d{number}.test" for number in range(20_000)]
    (tmp_path / "send.domains").write_text("\n".join(entries))
    scratch.configure('[send]\ndomains_file = "send.domains"')
    scratch.run("generate")
    for seen, minimum in (
        (".tls_policy.new", "1.3"),
        (scratch.compiled(".tls_policy.new").name, "1.2"),
        (".transport.new", "1.3"),
    ):
        ends = (entries[0], entries[-1])
        rules = "".join(f'[partner."{name}"]\nminimum_tls = "TLSv{minimum}"\n' for name in ends)
        scratch.configure(f'[send]\ndomains_file = "send.domains"\n{rules}')
        process = start_generate(scratch)
        while process.poll() is None and not (scratch.maps / seen).exists():
            pass
        process.kill()
        assert process.wait() in {0, -signal.SIGKILL}
        found = scratch.lookup("tls_policy", *entries)
        assert found.keys() == set(entries)
        assert len({found[name].split("protocols=")[1] for name in ends}) == 1
    assert scratch.run("generate") == 0
    assert scratch.run("generate", "--check") == 0
    left = [name for name in contents(scratch) if name.startswith(".") and ".spare." not in name]
    assert left == [LOCK]


def test_two_at_once(scratch: Scratch) -> None:
    """Two runs at the same time wait for each other."""
    processes = [start_generate(scratch) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert scratch.run("generate", "--check") == 0


def test_owner_and_mode(scratch: Scratch) -> None:
    """The tables belong to the owner of the state folder, and everybody may read them, and lock none."""
    os.chown(scratch.state, 12345, 12345)
    scratch.run("generate")
    for path in scratch.maps.iterdir():
        mode = 0o600 if path.name == LOCK else 0o644
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (12345, mode), path


def test_a_table_without_a_correct_line_keeps_none_before_it(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The policies are made though the routes cannot be; these stay, and nothing half-written."""
    scratch.run("generate")
    before = states(scratch)
    via = '[partner."woodgrovebank.test"]\nvia = "[mx.woodgrovebank.test]"'
    scratch.configure(f"{ONE}\n[outbound]\ndirect = false\n{via}")
    assert scratch.run("generate") != 0
    assert "does not route" in capsys.readouterr().err
    changed = {name for name, state in states(scratch).items() if before[name] != state}
    assert changed == {"tls_policy", scratch.compiled("tls_policy").name, "published.json"}
    assert scratch.lookup("tls_policy", "[mx.woodgrovebank.test]")


def test_another_default_type(scratch: Scratch) -> None:
    """The tables are compiled to the type Postfix has by default."""
    other = "lmdb" if scratch.map_type != "lmdb" else "cdb"
    scratch.set(f"default_database_type = {other}")
    assert scratch.run("generate") == 0
    found = scratch.instance.query(f"{other}:{scratch.maps}/transport", ["woodgrovebank.test"])
    assert found == {"woodgrovebank.test": "domain-secure:"}


@pytest.mark.parametrize("map_type", ["lmdb", "cdb"])
def test_types_from_other_packages(scratch: Scratch, map_type: str) -> None:
    """Types that Debian packages apart work as well."""
    if map_type not in scratch.instance.map_types:
        pytest.skip(f"this Postfix has no {map_type}")
    scratch.set(f"default_database_type = {map_type}")
    scratch.run("generate")
    before = states(scratch)
    assert scratch.run("generate") == 0
    assert states(scratch) == before
    found = scratch.instance.query(f"{map_type}:{scratch.maps}/transport", ["woodgrovebank.test"])
    assert found == {"woodgrovebank.test": "domain-secure:"}


def test_a_full_disk_leaves_the_former_tables(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be written whole is not put in place, and nothing half-written stays."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", scratch.state], check=True)
    try:
        scratch.run("generate")
        before = contents(scratch)
        (scratch.folder / "send.domains").write_text("\n".join(f"d{number}.test" for number in range(900)))
        for fill, asked in ((0, "No space left"), (80_000, "No space left")):
            (scratch.state / "filler").write_bytes(b"x" * fill)
            scratch.configure('[send]\ndomains_file = "send.domains"')
            assert scratch.run("generate") == 3
            assert asked in capsys.readouterr().err
            assert contents(scratch) == before
    finally:
        subprocess.run(["umount", scratch.state], check=True)


def test_what_a_full_disk_left_stops_no_later_run(scratch: Scratch) -> None:
    """Unfinished files are removed before postmap runs; for Berkeley DB's it would wait for ever."""
    scratch.maps.mkdir(parents=True, exist_ok=True)
    compiled = scratch.compiled(".tls_policy.new").name
    for name in (f"__db.{compiled}", f"{compiled}.tmp"):
        (scratch.maps / name).write_bytes(bytes(4096))
    assert scratch.run("generate") == 0
    assert scratch.lookup("transport", "woodgrovebank.test") == {"woodgrovebank.test": "domain-secure:"}
    assert [name for name in contents(scratch) if name.startswith((".", "__db"))] == [LOCK]


def test_a_folder_that_is_none(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in place of the folder is named, without a traceback."""
    scratch.maps.write_text("")
    assert scratch.run("generate") == 3
    assert str(scratch.maps) in capsys.readouterr().err


def test_a_rule_without_a_line_changes_nothing(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Sending by pin without a pin is refused, and the former tables stay."""
    scratch.run("generate")
    before = contents(scratch)
    scratch.configure(f'{ONE}\n[partner."woodgrovebank.test"]\nsend_method = "pin"')
    assert scratch.run("generate") == 2
    assert "no pin is known" in capsys.readouterr().err
    assert contents(scratch) == before


def test_a_link_in_place_of_a_temporary_file_is_not_followed(scratch: Scratch) -> None:
    """The owner of the state folder cannot make root write elsewhere."""
    scratch.run("generate")
    victim = scratch.folder / "victim"
    victim.write_text("untouched")
    compiled = scratch.compiled(".tls_policy.new").name
    for name in (".tls_policy.new", compiled, ".published.json.new", "published.json"):
        (scratch.maps / name).unlink(missing_ok=True)
        (scratch.maps / name).symlink_to(victim)
    scratch.configure(TWO)
    assert scratch.run("generate") == 0
    assert victim.read_text() == "untouched"


def test_a_writer_that_was_overtaken_puts_nothing_back(scratch: Scratch) -> None:
    """The configuration is read once nobody else can write tables."""
    former = load(scratch.configuration)
    scratch.configure(TWO)
    publish(former, scratch.instance, newest=lambda: load(scratch.configuration))
    assert ".fabrikam.com" in scratch.lookup("tls_policy", ".fabrikam.com")

"""Editing lists and partner tables: the text that comes out, idempotence, competing and dying writers."""

import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.configuration import Method, Mode
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.editing import partner_editing, partner_removal
from domain_secure.policy.editing.editing import ListName, add, remove, set_entries
from domain_secure.policy.editing.policy_store import FileStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from lab.waiting import DEADLINE

RECEIVE, SEND = ListName.RECEIVE, ListName.SEND
DIGEST = "ab" * 32
COMMENTED = """\
# Contoso
mode = "observe"  # trial

[receive]
domains = [
    "a.test",  # Alpha
    # about b
    "b.test"   # Beta
]
on_failure = "tag"

# What we send.
[send]
domains = ["x.test", "Bücher.test"] # one line

[partner."Bücher.test"]  # books
names = [
    "bücher.test",  # the shop
]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration file with comments everywhere."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(COMMENTED, encoding="utf-8")
    return file


def test_add_keeps_everything_else(path: Path) -> None:
    """Each list keeps its layout, every comment stays, and the rest is byte for byte the same."""
    change = add(FileStore(path), RECEIVE, ["C.test", "*.d.test"])
    assert change.added == ("c.test", "*.d.test")
    assert change.files == (path,)
    add(FileStore(path), SEND, ["y.test"])
    assert path.read_text(encoding="utf-8") == COMMENTED.replace(
        '    "b.test"   # Beta\n', '    "b.test",   # Beta\n    "C.test",\n    "*.d.test"\n'
    ).replace('"Bücher.test"] #', '"Bücher.test", "y.test"] #')


def test_add_is_idempotent(path: Path) -> None:
    """What is on the list already, in whatever spelling, is reported and nothing is written."""
    before = path.stat()
    change = add(FileStore(path), SEND, ["X.TEST.", "xn--bcher-kva.test"])
    assert change.added == ()
    assert change.unchanged == ("x.test", "xn--bcher-kva.test")
    assert change.files == ()
    assert path.stat() == before


def test_remove_takes_every_spelling(path: Path) -> None:
    """An entry is found by its normal form, and its comment goes with it."""
    change = remove(FileStore(path), SEND, ["XN--bcher-kva.test", "nowhere.test"])
    assert change.removed == ("xn--bcher-kva.test",)
    assert change.unchanged == ("nowhere.test",)
    remove(FileStore(path), RECEIVE, ["b.test"])
    assert path.read_text(encoding="utf-8") == COMMENTED.replace('    "b.test"   # Beta\n', "").replace(
        '["x.test", "Bücher.test"]', '["x.test"]'
    )


def test_set_names_what_it_dropped(path: Path) -> None:
    """Setting a list keeps what stays where it is, and tells what went."""
    change = set_entries(FileStore(path), RECEIVE, ["b.test", "c.test"])
    assert change.added == ("c.test",)
    assert change.removed == ("a.test",)
    assert change.unchanged == ("b.test",)
    assert list(load(path).receive) == ["b.test", "c.test"]
    assert "# about b" in path.read_text(encoding="utf-8")


def test_missing_file_is_created(tmp_path: Path) -> None:
    """The first entry makes folder and file, readable for the daemon whatever the umask."""
    former = os.umask(0o077)
    try:
        path = tmp_path / "etc" / "domain-secure" / "domain-secure.toml"
        add(FileStore(path), RECEIVE, ["a.test"])
    finally:
        os.umask(former)
    assert path.read_text(encoding="utf-8").startswith("#")
    assert list(load(path).receive) == ["a.test"]
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_remove_creates_nothing(tmp_path: Path) -> None:
    """Without a file there is nothing to remove from."""
    with pytest.raises(Problem, match="no configuration yet"):
        remove(FileStore(tmp_path / "none" / "domain-secure.toml"), RECEIVE, ["a.test"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", ["co.uk", "*.test", "a b", "", "*", "[192.0.2.1]"])
def test_bad_domain_writes_nothing(path: Path, argument: str) -> None:
    """A domain that cannot stand on a list is refused by name before anything is written."""
    with pytest.raises(Problem) as caught:
        add(FileStore(path), RECEIVE, ["good.test", argument])
    assert caught.value.where == repr(argument)
    assert path.read_text(encoding="utf-8") == COMMENTED


def test_faulty_file_is_left_alone(path: Path) -> None:
    """A configuration that the daemon would refuse is not edited either."""
    path.write_text("[receive]\nx = 1\n")
    with pytest.raises(Problem, match="unknown key"):
        add(FileStore(path), RECEIVE, ["a.test"])
    assert path.read_text() == "[receive]\nx = 1\n"


def test_domains_file_is_part_of_the_list(path: Path) -> None:
    """Entries leave the list's own file with their line, additions go to the configuration."""
    path.write_text('[receive]\ndomains = ["a.test"]\ndomains_file = "more"\n')
    more = path.parent / "more"
    more.write_bytes(b"\xef\xbb\xbf# Banks\r\nb.test # Beta\r\n\r\nC.test\nd.test")
    assert add(FileStore(path), RECEIVE, ["c.test"]).files == ()
    assert remove(FileStore(path), RECEIVE, ["c.test"]).files == (more,)
    assert more.read_bytes() == b"\xef\xbb\xbf# Banks\r\nb.test # Beta\r\n\r\nd.test"
    assert set_entries(FileStore(path), RECEIVE, ["b.test", "e.test"]).removed == ("a.test", "d.test")
    assert more.read_bytes() == b"\xef\xbb\xbf# Banks\r\nb.test # Beta\r\n\r\n"
    assert list(load(path).receive) == ["e.test", "b.test"]
    remove(FileStore(path), RECEIVE, ["b.test"])
    assert more.read_bytes() == b"\xef\xbb\xbf# Banks\r\n\r\n"


def test_shared_domains_file_is_not_edited(path: Path) -> None:
    """Where both lists read one file, taking an entry off one of them is left to the administrator."""
    path.write_text('[receive]\ndomains_file = "more"\n[send]\ndomains_file = "more"\n')
    (path.parent / "more").write_text("a.test\n")
    with pytest.raises(Problem, match="by hand"):
        remove(FileStore(path), RECEIVE, ["a.test"])
    assert (path.parent / "more").read_text() == "a.test\n"


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    """The file behind a link is replaced, not the link."""
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "configuration.toml"
    real.write_text("")
    link = tmp_path / "domain-secure.toml"
    link.symlink_to(real)
    add(FileStore(link), RECEIVE, ["a.test"])
    assert link.is_symlink()
    assert list(load(real).receive) == ["a.test"]


LAYOUTS = {
    "no table": "",
    "no final newline": 'mode = "observe"',
    "empty table": "[receive]",
    "comment before the next table": '[receive]\non_failure = "tag"\n\n# sending\n[send]\n',
    "table behind others": '[send]\ndomains = ["s.test"]\n[receive]\n# nothing yet\n',
    "dotted keys": 'receive.on_failure = "tag"\nsend.domains = []\n',
    "inline table": 'receive = { on_failure = "tag" }\n',
    "empty list": "[receive]\ndomains = []\n",
    "empty list of many lines": "[receive]\ndomains = [\n  # none yet\n]\n",
    "comma first": "[receive]\ndomains = [\n    'p.test'\n  , 'q.test'\n]\n",
    "literal strings": '[receive]\ndomains = [\'p.test\', """q.test"""]\n',
    "Windows": '[receive]\r\ndomains = [\r\n  "p.test",\r\n  "q.test"\r\n]\r\n',
    "Windows without list": '[receive]\r\non_failure = "tag"\r\n',
    "subtable first": '[partner."a.test"]\nmode = "observe"\n[receive]\n[partner."b.test"]\nmx = []\n',
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_can_be_edited(tmp_path: Path, layout: str) -> None:
    """However a file is laid out, adding and removing again gives the former meaning."""
    path = tmp_path / "domain-secure.toml"
    path.write_bytes(layout.encode())
    former = load(path)
    add(FileStore(path), RECEIVE, ["new.test"])
    assert list(load(path).receive) == [*former.receive, "new.test"]
    assert ("\r\n" in layout) == (b"\r\n" in path.read_bytes())
    assert b"\n\n# sending\n[send]" in path.read_bytes() or "# sending" not in layout
    remove(FileStore(path), RECEIVE, ["new.test"])
    now = load(path)
    assert (now.receive, now.send, now.partners) == (former.receive, former.send, former.partners)


SPELLINGS = st.sampled_from(['"a.test"', "'B.test'", '"""c.test"""', '"*.d.test"', '"ü.test"'])
GAPS = st.sampled_from(["", " ", "\n  ", " # note\n", "\n  # a ] note\n  "])
ARRAYS = st.lists(st.tuples(GAPS, SPELLINGS, GAPS), max_size=5)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from([add, remove, set_entries]),
        st.lists(st.sampled_from(["a.test", "b.test", "C.test", "*.d.test", "ü.test", "e.test"]), min_size=1),
    ),
    max_size=4,
)


@given(ARRAYS, GAPS, st.booleans(), CHANGES)
def test_any_layout_of_a_list(
    tmp_path_factory: pytest.TempPathFactory,
    elements: list[tuple[str, str, str]],
    end: str,
    comma: bool,
    changes: list[tuple[Callable[[Path, ListName, list[str]], object], list[str]]],
) -> None:
    """Lists with comments anywhere take a series of changes, and hold afterwards what a set would hold."""
    written = ",".join("".join(part) for part in elements) + ("," if comma and elements else "")
    path = tmp_path_factory.mktemp("layout") / "domain-secure.toml"
    path.write_text(f"[receive]\ndomains = [{written}{end}]\n# after\n[send]\n", encoding="utf-8")
    model = set(load(path).receive)
    for function, domains in changes:
        function(FileStore(path), RECEIVE, domains)
        entries = {"xn--tda.test" if domain == "ü.test" else domain.lower() for domain in domains}
        model = {add: model | entries, remove: model - entries, set_entries: entries}[function]
        assert set(load(path).receive) == model
    assert "]\n# after\n[send]\n" in path.read_text(encoding="utf-8")


def test_partner_values_are_set_in_place(path: Path) -> None:
    """An existing table is found by its normal form; lists and words change, comments stay."""
    partner_editing.set_values(
        FileStore(path), "xn--bcher-kva.test", {"names": "bücher.test, mail.bücher.test", "mode": "enforce"}
    )
    text = path.read_text(encoding="utf-8")
    assert text.startswith(COMMENTED[: COMMENTED.index("names = [")])
    assert '[partner."Bücher.test"]  # books\nmode = "enforce"\nnames = [\n' in text
    assert '    "bücher.test",  # the shop\n    "mail.bücher.test",\n]' in text
    partner = load(path).partners[Entry("xn--bcher-kva.test")]
    assert partner.names == ("xn--bcher-kva.test", "mail.xn--bcher-kva.test")
    assert partner.mode is Mode.ENFORCE


def test_partner_table_is_created_and_defaults_come_back(path: Path) -> None:
    """A new table goes to the end; KEY= takes a key out again; the order of methods is kept."""
    partner_editing.set_values(FileStore(path), "a.test", {"methods": "pkix,pin", "mode": "enforce"})
    assert path.read_text(encoding="utf-8").startswith(COMMENTED)
    partner_editing.set_values(FileStore(path), "a.test", {"methods": "pin,pkix", "mode": ""})
    partner = load(path).partners[Entry("a.test")]
    assert partner.methods == (Method.PIN, Method.PKIX)
    assert partner.mode is Mode.OBSERVE
    assert partner_editing.set_values(FileStore(path), "a.test", {"mode": "", "mx": ""}) == ()


def test_rule_without_keys_goes(path: Path) -> None:
    """What a first `partner set` made is gone when its last key is, and what people wrote stays."""
    partner_editing.set_values(FileStore(path), "a.test", {"mode": "observe"})
    partner_editing.set_values(FileStore(path), "a.test", {"mode": ""})
    assert path.read_text(encoding="utf-8").rstrip() == COMMENTED.rstrip()
    partner_editing.set_values(FileStore(path), "bücher.test", {"names": ""})
    assert '[partner."Bücher.test"]  # books' in path.read_text(encoding="utf-8")


PARTNER_LAYOUTS = {
    "none": "",
    "no final newline": "[send]\ndomains = []",
    "table": '[partner."A.test"] # x\nmode = "observe" # y\n# z\n[send]\n',
    "apart": '[partner."b.test"]\nmx = ["mx.test"]\n[send]\n[partner."a.test"]\nmode = "observe"\n[trust]\n',
    "dotted": 'partner."a.test".mode = "observe"\npartner."b.test".mx = []\n',
    "dotted in a table": '[partner]\n"a.test".mode = "observe"\n"b.test".mx = []\n[send]\n',
    "inline": 'partner."a.test" = { mode = "observe", methods = ["pin"] }\nmode = "enforce"\n',
    "Windows": '[partner."a.test"]\r\nmode = "observe"\r\n[send]\r\n',
}


@pytest.mark.parametrize("layout", PARTNER_LAYOUTS.values(), ids=PARTNER_LAYOUTS.keys())
def test_every_layout_of_a_partner_can_be_edited(tmp_path: Path, layout: str) -> None:
    """However a partner is written, its keys can be set, changed and taken out, and the others stay."""
    path = tmp_path / "domain-secure.toml"
    path.write_bytes(layout.encode())
    others = {entry: rule for entry, rule in load(path).partners.items() if entry != "a.test"}
    for values, mode, methods in (
        ({"mode": "enforce", "methods": "pkix"}, Mode.ENFORCE, (Method.PKIX,)),
        ({"methods": "pkix,pin", "mode": "observe"}, Mode.OBSERVE, (Method.PKIX, Method.PIN)),
        ({"mode": "", "methods": "dane"}, Mode.ENFORCE, (Method.DANE,)),
    ):
        partner_editing.set_values(FileStore(path), "a.test", values)
        partners = dict(load(path).partners)
        rule = partners.pop(Entry("a.test"))
        assert (rule.mode, rule.methods) == (mode, methods)
        assert partners == others


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [("mdoe", "observe", "mdoe"), ("mode", "on", "mode=on"), ("names", "a.test,uk", "names=a.test,uk")],
)
def test_bad_partner_value_writes_nothing(path: Path, key: str, value: str, where: str) -> None:
    """An unknown key or a bad value is named as it was typed."""
    with pytest.raises(Problem) as caught:
        partner_editing.set_values(FileStore(path), "a.test", {key: value})
    assert caught.value.where == where
    assert path.read_text(encoding="utf-8") == COMMENTED


def test_pins_are_appended_once(path: Path) -> None:
    """Pins join those that are there, each once."""
    certificate, key = Pin.certificate(DIGEST), Pin.public_key(DIGEST)
    assert partner_editing.add_pins(FileStore(path), "a.test", [certificate]) == (path,)
    assert partner_editing.add_pins(FileStore(path), "A.test", [key, certificate, key]) == (path,)
    assert partner_editing.add_pins(FileStore(path), "a.test", [key]) == ()
    assert load(path).partners[Entry("a.test")].pins == {certificate, key}
    assert path.read_text(encoding="utf-8").count(DIGEST) == 2


def test_a_pin_with_a_time_is_not_said_to_count_always(path: Path) -> None:
    """It counts in its time alone wherever else it stands, so to append it is refused, with what would do."""
    key = Pin.public_key(DIGEST)
    store = FileStore(path)
    partner_editing.set_values(store, "a.test", {"timed_pins": f"{key} until 2027-01-31T12:00:00Z"})
    before = path.read_text(encoding="utf-8")
    with pytest.raises(Problem, match="counts until 2027-01-31T12:00:00Z alone"):
        partner_editing.add_pins(store, "a.test", [key])
    assert path.read_text(encoding="utf-8") == before


def test_a_pin_with_a_time_goes_with_the_others(path: Path) -> None:
    """What is taken out counts at no time: neither as it stands under pins nor by its time."""
    key, other = Pin.public_key(DIGEST), Pin.public_key("cd" * 32)
    store = FileStore(path)
    times = f"{key} from 2027-01-31T12:00:00Z,{other} until 2027-02-28T12:00:00Z"
    partner_editing.set_values(store, "a.test", {"pins": str(key), "timed_pins": times})
    assert partner_removal.remove_pins(store, "a.test", [key]) == (path,)
    rule = load(path).partners[Entry("a.test")]
    assert (rule.pins, [one.pin for one in rule.timed_pins]) == ({other}, [other])
    assert partner_removal.remove_pins(store, "a.test", [key]) == ()
    assert partner_removal.remove_pins(store, "a.test", [other]) == (path,)
    assert "timed_pins" not in path.read_text(encoding="utf-8")


WRITER = """
import sys
from pathlib import Path
from domain_secure.policy.editing.editing import ListName, add
from domain_secure.policy.editing.policy_store import FileStore
print(flush=True)
for number in range(int(sys.argv[3])):
    add(FileStore(Path(sys.argv[1])), ListName.RECEIVE, [f"{sys.argv[2]}{number}.test"])
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    """Start a process that adds *count* domains, one by one."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_two_processes_add_at_the_same_time(path: Path) -> None:
    """Nothing that either of two writers added is lost."""
    writers = [writer(path, name, 10) for name in ("p", "q")]
    for process in writers:
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
    expected = {f"{name}{number}.test" for name in "pq" for number in range(10)} | {"a.test", "b.test"}
    assert set(load(path).receive) == expected


def test_killed_writer_leaves_a_whole_file(path: Path) -> None:
    """After kill -9 in the midst of writing the file is old or new, never torn, and the lock is free."""
    for delay in (0.0, 0.003, 0.011, 0.017):
        process = writer(path, f"k{int(delay * 1000)}x", 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        timer = threading.Timer(delay, process.send_signal, (signal.SIGKILL,))
        timer.start()
        process.communicate(timeout=DEADLINE)
        timer.join()
        tomllib.loads(path.read_text(encoding="utf-8"))
        assert add(FileStore(path), RECEIVE, [f"after{int(delay * 1000)}.test"]).added

"""A long table changed where it is: it has the lines that would be written anew, and is compiled alike."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from configurations import make_configuration, make_partner
from hypothesis import given
from hypothesis import strategies as st
from scratch_postfix import make_scratch

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables import amendment as amendments
from domain_secure.postfix.tables import publish as publishing
from domain_secure.postfix.tables import spare, table_source
from domain_secure.postfix.tables.amendment import amendment
from domain_secure.postfix.tables.differences import differences
from domain_secure.postfix.tables.publication import Job
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.tables import SUFFIXES, Table

NAMES = st.lists(st.from_regex(r"[ab]{1,3}\.test", fullmatch=True), unique=True, max_size=12)
LISTED = [f"partner-{number}.test" for number in range(40)]
COMPILED = (Table.TLS_POLICY, Table.TRANSPORT)


def text(names: list[str]) -> bytes:
    """Return a list as it is kept."""
    return "".join(f"{name}\n" for name in names).encode()


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_change_leads_from_one_list_to_the_other(
    start: list[str], gone: list[str], new: list[str], end: list[str]
) -> None:
    """Whatever two lists have in common: the run that is gone in the place of the run that is new."""
    former, present = [*start, *gone, *end], [*start, *new, *end]
    found = amendment(text(former), text(present))
    assert found is not None
    place, behind = found.before, found.before + len(found.gone)
    assert tuple(former[place:behind]) == found.gone
    assert [*former[:place], *found.new, *former[behind:]] == present
    was, octets = text(former), text(present)
    assert (
        was[: found.place.start]
        + octets[found.place.start : found.place.present_end]
        + was[found.place.former_end :]
        == octets
    )


def test_too_large_a_change_is_none() -> None:
    """A list that became another one is compiled anew."""
    assert amendment(text(LISTED), text([f"other-{number}.test" for number in range(2000)])) is None


def lines_in(source: Path) -> list[bytes]:
    """Return the lines of a source text that count, sorted."""
    return sorted(line for line in source.read_bytes().splitlines() if not line.startswith(b"#"))


class Place:
    """A Postfix, and a state folder with tables in it."""

    def __init__(self, folder: Path, map_type: str) -> None:
        self.instance = make_scratch(folder).instance
        self.map_type = map_type
        self.state = folder / "state"
        self.again = folder / "again"

    def configuration(self, *names: str, **rules: str) -> Configuration:
        """Return what lists *names*, with partners that are sent to by DANE."""
        partners = {Entry(name): make_partner(name, send_method=SendMethod.DANE) for name in rules.values()}
        return make_configuration(self.state, send=DomainList.of(*names), partners=partners)

    def put(self, configuration: Configuration) -> None:
        """Publish, and see that the tables are what they would be if nothing had been there."""
        publish(configuration, self.instance, map_type=self.map_type)
        assert differences(Job.of(configuration, self.instance, self.map_type)) == ()
        anew = make_configuration(self.again, send=configuration.send, partners=configuration.partners)
        for path in self.again.glob("maps/*"):
            path.unlink()
        publish(anew, self.instance, map_type=self.map_type)
        for table in Table:
            assert lines_in(self.state / "maps" / table) == lines_in(self.again / "maps" / table)
        for table in COMPILED:
            one, other = (f"{self.map_type}:{folder}/maps/{table}" for folder in (self.state, self.again))
            assert dict(self.instance.entries(one)) == dict(self.instance.entries(other))
        records = [
            json.loads((folder / "maps/published.json").read_text()) for folder in (self.state, self.again)
        ]
        assert records[0]["input"] == records[1]["input"]
        assert [one["lines"] for one in records[0]["tables"].values()] == [
            one["lines"] for one in records[1]["tables"].values()
        ]


@pytest.fixture(params=["hash", "btree", "lmdb"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a place where lists are long from ten entries on, for each type that takes single keys."""
    made = Place(tmp_path, request.param)
    if request.param not in made.instance.map_types:
        pytest.skip(f"this Postfix has no {request.param}")
    monkeypatch.setattr(amendments, "LONG", 10)
    return made


def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the sources that postmap(1) compiles from now on."""
    found: list[str] = []
    compile_map = PostfixInstance.compile_map

    def noted(self: PostfixInstance, map_type: str, source: Path) -> tuple[str, ...]:
        found.append(str(source))
        return compile_map(self, map_type, source)

    monkeypatch.setattr(PostfixInstance, "compile_map", noted)
    return found


@pytest.mark.parametrize(
    "present",
    [
        ["new.test", *LISTED],
        [*LISTED, "new.test", "xn--bcher-kva.test"],
        [*LISTED[:20], "*.new.test", *LISTED[20:]],
        LISTED[1:],
        LISTED[:-2],
        [*LISTED[:5], *LISTED[8:]],
        [*LISTED[:5], "new.test", *LISTED[8:]],
        [*LISTED[:5], LISTED[7], LISTED[6], *LISTED[8:]],
    ],
    ids=["first", "last", "within", "first gone", "last gone", "gone", "replaced", "moved"],
)
def test_a_change_of_the_list_is_put_into_the_tables(
    place: Place, monkeypatch: pytest.MonkeyPatch, present: list[str]
) -> None:
    """The tables are what they would be anew, and none of the long ones was compiled for it."""
    place.put(place.configuration(*LISTED))
    sources = compiled(monkeypatch)
    place.put(place.configuration(*present))
    assert [one for one in sources if str(place.state) in one] == []


def test_a_change_of_a_rule_compiles_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no change of the list alone is made whole; so is what somebody else has changed meanwhile."""
    place.put(place.configuration(*LISTED))
    sources = compiled(monkeypatch)
    place.put(place.configuration(*LISTED, "new.test", rule="partner-3.test"))
    assert [one for one in sources if str(place.state) in one]
    (place.state / "maps/tls_policy").write_text("")
    place.put(place.configuration(*LISTED, rule="partner-3.test"))


@pytest.mark.parametrize("damage", ["listed", "tls_policy", "published.json"])
def test_what_does_not_fit_is_not_gone_by(place: Place, damage: str) -> None:
    """A list, a table or a record that was tampered with costs time alone."""
    place.put(place.configuration(*LISTED))
    file = place.state / "maps" / damage
    file.write_bytes(
        file.read_bytes().replace(b"partner-7.test", b"partner-x.test").replace(b'"settings"', b'"x"')
    )
    place.put(place.configuration(*LISTED, "new.test"))


def inodes(place: Place) -> list[int]:
    """Return which files the compiled tables are."""
    suffix = SUFFIXES[place.map_type][0]
    return [(place.state / f"maps/{table}{suffix}").stat().st_ino for table in COMPILED]


def test_two_files_change_places(place: Place) -> None:
    """One change after another: a spare takes each, with what it lacks since its last turn."""
    if place.map_type not in spare.TYPES:
        pytest.skip("of this type a process looks at the name alone")
    lists = [LISTED, ["new.test", *LISTED], ["new.test", *LISTED[1:]], [*LISTED[1:], "last.test"], LISTED]
    seen = []
    for names in lists:
        place.put(place.configuration(*names))
        seen.append(inodes(place))
    assert seen[0] == seen[2] == seen[4]
    assert seen[1] == seen[3]
    assert seen[0] != seen[1]


def test_a_spare_that_somebody_has_open_is_not_written_in(place: Place) -> None:
    """He may hold a part of it in memory; what he has open stays as it was, and he is told to look again."""
    if place.map_type not in spare.TYPES:
        pytest.skip("of this type a process looks at the name alone")
    place.put(place.configuration(*LISTED))
    with (place.state / "maps/tls_policy.db").open("rb") as opened:
        content, opened_at = opened.read(), os.fstat(opened.fileno())
        for names in (["new.test", *LISTED], ["newer.test", *LISTED], ["newest.test", *LISTED]):
            place.put(place.configuration(*names))
            opened.seek(0)
            assert opened.read() == content
            now = os.fstat(opened.fileno())
            # What Postfix looks at: the second of the last change, and whether there is a name left.
            assert now.st_nlink == 0 or int(now.st_mtime) != int(opened_at.st_mtime)


def test_whoever_has_the_table_open_learns_that_it_was_replaced(place: Place) -> None:
    """For each type, after each change, also where several of them come within a second."""
    suffix = SUFFIXES[place.map_type][0]
    place.put(place.configuration(*LISTED))
    for number in range(4):
        with (place.state / f"maps/transport{suffix}").open("rb") as opened:
            before = os.fstat(opened.fileno())
            place.put(place.configuration(*LISTED, f"new-{number}.test"))
            now = os.fstat(opened.fileno())
            is_told = now.st_nlink == 0
            if place.map_type in spare.TYPES:
                is_told |= int(now.st_mtime) != int(before.st_mtime)
            assert is_told


def test_a_spare_of_which_no_record_knows_is_dropped(place: Place) -> None:
    """As of one who was killed before he could tell its readers: they learn it by the name that is gone."""
    if place.map_type not in spare.TYPES:
        pytest.skip("of this type a process looks at the name alone")
    place.put(place.configuration(*LISTED))
    left = place.state / "maps/.tls_policy.spare.db"
    left.unlink()
    left.hardlink_to(place.state / "maps/tls_policy.db")
    with left.open("rb") as opened:
        place.put(place.configuration(*LISTED, "new.test"))
        assert os.fstat(opened.fileno()).st_nlink == 0 or os.fstat(opened.fileno()).st_mtime == 1


def test_a_list_that_is_long_no_more_has_no_spare(place: Place) -> None:
    """Nor is one of former times gone by, should it be long again."""
    place.put(place.configuration(*LISTED))
    place.put(place.configuration(*LISTED[:5]))
    assert list((place.state / "maps").glob("*spare*")) == []
    place.put(place.configuration(*LISTED))
    place.put(place.configuration(*LISTED, "new.test"))


def test_lines_that_count_no_longer_do_not_pile_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source text is written anew when too many of its lines are comments."""
    monkeypatch.setattr(table_source, "_COMMENTS", 3)
    for number in range(0, 36, 4):
        place.put(place.configuration(*LISTED[number:]))
        comments = (place.state / "maps/tls_policy").read_bytes().count(b"#")
        assert comments <= 10


def test_many_changes_of_the_kept_list(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as changes for some time, then written anew; each time the next change is known by it."""
    monkeypatch.setattr(publishing, "_CHANGES", 3)
    place.put(place.configuration(*LISTED))
    sources = compiled(monkeypatch)
    for number in range(8):
        place.put(place.configuration(*LISTED[number:], *(f"new-{one}.test" for one in range(number))))
    assert [one for one in sources if str(place.state) in one] == []


def test_the_difference_of_an_amended_table_is_what_would_change(place: Place) -> None:
    """Not that its lines stand in another order."""
    place.put(place.configuration(*LISTED))
    place.put(place.configuration("new.test", *LISTED[1:]))
    job = Job.of(place.configuration("newer.test", *LISTED[1:]), place.instance, place.map_type)
    found = next(one for one in differences(job) if one.table is Table.TRANSPORT)
    changed = [line for line in found.diff if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert sorted(changed) == ["+newer.test\tdomain-secure:", "-new.test\tdomain-secure:"]


STEPS = (
    *(
        (HeldFolder, name)
        for name in ("rename", "name_also", "touch", "created", "changing", "sync", "remove")
    ),
    (PostfixInstance, "amend_map"),
)


def killed_at(step: int, publishing: Callable[[], None]) -> bool:
    """Have a process publish that ends at once before its so-manyth step; return whether it came so far."""
    child = os.fork()
    if child == 0:
        left = iter(range(step))

        def dying(act: Callable[..., object]) -> Callable[..., object]:
            def step_or_die(*arguments: object, **named: object) -> object:
                if next(left, None) is None:
                    os._exit(1)
                return act(*arguments, **named)

            return step_or_die

        for owner, name in STEPS:
            setattr(owner, name, dying(getattr(owner, name)))
        publishing()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def test_killed_at_any_step_the_tables_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever step of a change is the last, each table answers whole, as before or as after."""
    place = Place(tmp_path, "hash")
    monkeypatch.setattr(amendments, "LONG", 10)
    names = LISTED
    publish(place.configuration(*names), place.instance, map_type="hash")
    step, is_killed = 0, True
    while is_killed:
        former, names = names, [*LISTED[step % 2 :], f"new-{step}.test"]
        present = place.configuration(*names)
        is_killed = killed_at(step, lambda: publish(present, place.instance, map_type="hash") and None)  # noqa: B023
        for table in COMPILED:
            found = place.instance.query(f"hash:{place.state}/maps/{table}", [*former, *names]).keys()
            assert found in (set(former), set(names)), (step, table)
        place.put(present)
        step += 1
    assert step > 20

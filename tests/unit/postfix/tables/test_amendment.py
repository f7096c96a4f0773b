"""A long table made from the one in place: octet by octet what would be written anew, and compiled alike."""

import json
from pathlib import Path

import pytest
from configurations import make_configuration, make_partner
from hypothesis import given
from hypothesis import strategies as st
from scratch_postfix import make_scratch

from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables import amendment as amendments
from domain_secure.postfix.tables.amendment import amendment
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.tables import Table

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
    place = len(former) if found.following is None else former.index(found.following)
    places = [
        index for index in range(len(former) + 1) if former[index : index + 1] == [found.following]
    ] or [place]
    assert any(
        [*former[: at - len(found.gone)], *found.new, *former[at:]] == present
        and tuple(former[at - len(found.gone) : at]) == found.gone
        for at in places
    )


def test_too_large_a_change_is_none() -> None:
    """A list that became another one is compiled anew."""
    assert amendment(text(LISTED), text([f"other-{number}.test" for number in range(2000)])) is None


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
        anew = make_configuration(self.again, send=configuration.send, partners=configuration.partners)
        for path in self.again.glob("maps/*"):
            path.unlink()
        publish(anew, self.instance, map_type=self.map_type)
        for table in Table:
            assert (self.state / "maps" / table).read_bytes() == (self.again / "maps" / table).read_bytes()
        for table in COMPILED:
            one, other = (f"{self.map_type}:{folder}/maps/{table}" for folder in (self.state, self.again))
            assert dict(self.instance.entries(one)) == dict(self.instance.entries(other))
        records = [
            json.loads((folder / "maps/published.json").read_text()) for folder in (self.state, self.again)
        ]
        assert records[0]["input"] == records[1]["input"]
        assert [one["sha256"] for one in records[0]["tables"].values()] == [
            one["sha256"] for one in records[1]["tables"].values()
        ]
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

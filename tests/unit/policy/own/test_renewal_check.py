"""The check before a renewed certificate is put to use: each loss by itself, and on whom."""

import pytest

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.presented_names import some
from domain_secure.policy.certificates.purposes import Purpose
from domain_secure.policy.own.renewal_check import Change, Peer, by_itself, compare, host_name
from domain_secure.policy.terms.domain import Entry

from lab.certificates import CLIENT, DAY, SERVER, Authority, Issued, new_key
from unit.policy.own_files import NAME, ROOT, SUB, now

KEY = new_key()
NAMES = (NAME, "contoso.test")
SENDS = Peer(Entry("woodgrovebank.test"), sees_server=True, sees_client=False)
RECEIVES = Peer(Entry("fabrikam.test"), sees_server=False, sees_client=True)
PEERS = (SENDS, RECEIVES)


def chain(issued: Issued) -> tuple[Certificate, ...]:
    """Return the chain as peers get it."""
    certificates = (issued.certificate, *issued.chain)
    return tuple(parse(Issued(one, KEY).der) for one in certificates)


def issue(authority: Authority = SUB, **options: object) -> Issued:
    """Return a certificate like the one in use but for the options."""
    every = {"dns_names": NAMES, "key": KEY, **options}
    return authority.issue(NAME, **every)  # type: ignore[arg-type]


FORMER = chain(issue())


def test_like_before() -> None:
    """A renewal that loses nothing, or the same certificate again, meets no objection."""
    assert compare(FORMER, chain(issue()), PEERS) == ()
    assert compare(FORMER, FORMER, PEERS) == ()


@pytest.mark.parametrize(
    ("renewed", "change", "partners"),
    [
        (issue(purposes=[SERVER]), Change.PURPOSE, ["fabrikam.test"]),
        (issue(purposes=[CLIENT]), Change.PURPOSE, ["woodgrovebank.test"]),
        (issue(dns_names=[NAME]), Change.NAMES, ["woodgrovebank.test", "fabrikam.test"]),
        (issue(key="p256"), Change.KEY, ["woodgrovebank.test", "fabrikam.test"]),
        (
            issue(Authority.create("Other").authority("Beneath")),
            Change.ISSUER,
            ["woodgrovebank.test", "fabrikam.test"],
        ),
        (issue(not_after=now() + 60 * DAY), Change.LIFETIME, []),
    ],
    ids=["client", "server", "name", "key", "issuer", "ends-sooner"],
)
def test_each_loss(renewed: Issued, change: Change, partners: list[str]) -> None:
    """One loss gives one objection, with the partners it concerns."""
    (objection,) = compare(FORMER, chain(renewed), PEERS)
    assert objection.change is change
    assert list(objection.partners) == partners
    assert str(objection).startswith(f"{change}: ")


def test_shorter_chain() -> None:
    """A chain without its intermediate is an objection, also where it is the same certificate."""
    for renewed in (chain(issue())[:1], FORMER[:1]):
        assert [one.change for one in compare(FORMER, renewed)] == [Change.CHAIN]


def test_root_at_the_end_does_not_count() -> None:
    """Peers need no root, so that one less is no loss."""
    root = parse(ROOT.der)
    assert compare((*FORMER, root), chain(issue())) == ()


def test_shorter_life() -> None:
    """A life of less than half is told, though it ends later."""
    former = chain(issue(not_before=now() - 300 * DAY, not_after=now() + 5 * DAY))
    (objection,) = compare(former, chain(issue(not_after=now() + 30 * DAY)))
    assert objection.change is Change.LIFETIME
    assert "it lives 31 days, and the one in use 305" in str(objection)


def test_other_intermediate_of_the_same_root() -> None:
    """Authorities change their intermediates all the time; below the same root that is no objection."""
    former, renewed = (
        (*chain(issue(ROOT.authority(title))), parse(ROOT.der)) for title in ("Sub 1", "Sub 2")
    )
    assert compare(former, renewed, PEERS) == ()


def test_partner_that_accepts_certain_authorities_only() -> None:
    """Whose server named the former authority and not the new one is named; others are not concerned."""

    def peer(name: str, *named: set[str]) -> Peer:
        return Peer(Entry(name), True, True, tuple(map(frozenset, named)))

    other = Authority.create("Elsewhere").issue("mail1.contoso.test", dns_names=["mail1.contoso.test"])
    elsewhere = chain(other)
    peers = (
        peer("picky.test", {"CN=Root"}),
        peer("one-of-two.test", set(), {"CN=Root"}),
        peer("content.test", {"CN=Root", "CN=Elsewhere"}),
        peer("any.test", set()),
        peer("never.test", {"CN=Third"}),
    )
    (objection,) = (one for one in compare(FORMER, elsewhere, peers) if one.change is Change.ISSUER)
    assert objection.partners == ("picky.test", "one-of-two.test")
    assert "asked for other authorities" in objection.what
    assert not [one for one in compare(FORMER, chain(issue()), peers) if one.change is Change.ISSUER]


def test_by_itself() -> None:
    """Dates and purposes speak against a certificate that has no predecessor, too."""
    early = parse(issue(not_before=now() + DAY).der)
    server = parse(issue(purposes=[SERVER]).der)
    assert [one.change for one in by_itself(early, Purpose, now())] == [Change.DATES]
    assert [one.change for one in by_itself(server, Purpose, now())] == [Change.PURPOSE]
    assert list(by_itself(server, [Purpose.SERVER], now())) == []
    assert [one.change for one in by_itself(server, (), now() + 1000 * DAY)] == [Change.DATES]


@pytest.mark.parametrize(
    ("names", "host", "agrees"),
    [
        ([NAME], NAME, True),
        ([NAME], "MAIL.contoso.test.", True),
        (["*.contoso.test"], NAME, True),
        (["*.contoso.test"], "a.mail.contoso.test", False),
        (["*.contoso.test"], "contoso.test", False),
        (["contoso.test"], NAME, False),
        (["*.test"], "contoso.test", False),
        ([NAME], "not a host", False),
    ],
)
def test_host_name(names: list[str], host: str, agrees: bool) -> None:
    """A name stands for itself, a wildcard for one label (RFC 9525 section 6.3)."""
    certificate = parse(SUB.issue(None, dns_names=names).der)
    assert (not list(host_name(certificate, host, "myhostname"))) is agrees


def test_many_are_not_all_named() -> None:
    """A sentence stays one."""
    assert some([f"h{n}" for n in range(7)]) == "h0, h1, h2, h3, h4 and 2 more"
    assert some([]) == "no host"
    peers = [Peer(Entry(f"p{n}.test"), sees_server=True, sees_client=True) for n in range(7)]
    (objection,) = compare(FORMER, chain(issue(key="p256")), peers)
    assert str(objection).endswith("it concerns p0.test, p1.test, p2.test, p3.test, p4.test and 2 more")

"""What the page of a report shows, before any markup."""

from dataclasses import replace

from domain_secure.commands.report.report_view import Row, page_of
from domain_secure.policy.history.partner_report import Material

from unit.report_material import FABRIKAM, WOODGROVE, fortnight, report, sighting


def test_a_line_is_followed_by_what_it_is_made_of() -> None:
    """Reasons and methods stand below their sum, the most frequent first, with their share of the whole."""
    (received, _) = page_of(report()).partners[-1].traffic
    messages, tls = received.tables
    assert messages.header == "messages"
    assert messages.rows[:3] == (
        Row("passed", "740", "96.6%", is_part=False),
        Row("by pkix", "592", "77.3%", is_part=True),
        Row("by pin", "148", "19.3%", is_part=True),
    )
    assert [row.name for row in messages.rows[-3:]] == ["refused", "name-mismatch", "no-certificate"]
    assert [row.name for row in tls.rows] == ["TLSv1.3", "TLSv1.2"]


def test_sums_stand_over_several_partners_alone() -> None:
    """One partner's charts are not drawn twice, and a direction without mail is left out."""
    assert len(page_of(report()).traffic) == 2
    alone = page_of(report(Material([one for one in fortnight() if one.entry == FABRIKAM], (), (), None)))
    assert alone.traffic == ()
    assert [one.name for one in alone.partners[0].traffic] == ["Received"]


def test_a_tile_has_the_colour_of_a_fault_where_there_is_one() -> None:
    """Nothing refused is no fault; what was refused is."""
    kinds = {tile.name: tile.kind for tile in page_of(report()).tiles}
    assert kinds["refused"] == "refused"
    assert kinds["received"] == ""
    empty = page_of(report(Material((), (), (), None)))
    assert {tile.kind for tile in empty.tiles} == {""}
    assert (empty.tiles[0].value, empty.tiles[0].text) == ("0", "– proved")


def test_what_is_shown_of_certificates() -> None:
    """A few names and how many more there are; else the subject; else that nothing is known."""
    seen = sighting("mail.woodgrovebank.test", "aa", first=1, passed=1)
    assert seen.certificate is not None
    many = replace(seen.certificate, dns_names=tuple(f"h{number}.test" for number in range(6)))
    none = replace(seen.certificate, dns_names=(), subject="CN=old")
    found = (
        replace(seen, certificate=many),
        replace(seen, certificate=none),
        sighting(None, "cc", first=1, failed=2),
    )
    (partner,) = page_of(report(Material((), found, (), None))).partners
    assert partner.domain == WOODGROVE
    assert [one.names for one in partner.certificates] == [
        "h0.test, h1.test, h2.test, h3.test and 2 more",
        "CN=old",
        "content not known",
    ]
    assert [one.is_stranger for one in partner.certificates] == [False, False, True]

"""A report's sums: every counted message once, in the right place."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.history.history import HourlyCount
from domain_secure.policy.history.partner_report import (
    OTHER_DOMAIN,
    Category,
    Material,
    Report,
    category_of,
    changes_of,
    report_of,
)

from unit.report_material import (
    FABRIKAM,
    MADE,
    SEND,
    SINCE,
    WOODGROVE,
    count,
    fortnight,
    report,
    sent,
    sighting,
)


def of(*counts: HourlyCount) -> Report:
    """Return the report of some counts."""
    return report(Material(counts, (), (), None))


@pytest.mark.parametrize(
    ("one", "category"),
    [
        (count(), Category.PASSED),
        (count(outcome="no-tls"), Category.OBSERVED),
        (count(outcome="no-tls", effect="reject"), Category.REFUSED),
        (count(outcome="no-evidence", effect="defer"), Category.DEFERRED),
        (count(outcome="exempt", effect="none"), Category.EXEMPT),
        (sent(), Category.SENT),
        (sent(method="verified"), Category.SENT),
        (sent(method="unverified"), Category.UNVERIFIED),
        (count(outcome="deferred", effect="deferred", direction=SEND), Category.POSTPONED),
        (count(outcome="bounced", effect="bounced", direction=SEND), Category.BOUNCED),
        (count(outcome="expired", effect="failed", direction=SEND), Category.FAILED),
    ],
)
def test_categories(one: HourlyCount, category: Category) -> None:
    """What became of a message says where it is counted."""
    assert category_of(one) is category


def test_every_verdict_and_effect_has_a_category() -> None:
    """Nothing that a decision can end in is left out."""
    for verdict in Verdict:
        for effect in ("accept", "defer", "reject", "none"):
            assert category_of(count(outcome=verdict.word, effect=effect))


def test_every_message_is_counted_once() -> None:
    """The sums over categories, days and partners are the sum of what was counted."""
    whole = sum(one.count for one in fortnight())
    found = report()
    assert sum(found.totals.categories.values()) == whole
    assert sum(sum(day.values()) for day in found.totals.days.values()) == whole
    assert sum(sum(one.totals.categories.values()) for one in found.partners) == whole


def test_reasons_methods_and_tls() -> None:
    """Refusals come with their reasons, passes with their methods, both with their TLS versions."""
    (partner,) = of(
        count(number=3, method="pkix"),
        count(method="pin", tls="TLSv1.2"),
        count(outcome="no-tls", effect="reject", tls="", number=2),
        count(effect="reject"),
        sent(number=4),
        sent(method="verified"),
    ).partners
    totals = partner.totals
    assert totals.methods == {"pkix": 3, "pin": 1}
    assert totals.reasons[Category.REFUSED] == {"no-tls": 2, OTHER_DOMAIN: 1}
    assert totals.received_tls == {"TLSv1.3": 4, "TLSv1.2": 1, "in the clear": 2}
    assert (totals.mutual, totals.categories[Category.SENT]) == (4, 5)
    assert totals.sent_tls == {"TLSv1.3": 5}


def test_days_are_those_of_the_zone() -> None:
    """An hour belongs to the day on which it begins for whoever reads."""
    late = replace(count(), hour=datetime.fromisoformat("2026-11-24T23:00:00+00:00"))
    berlin = MADE.astimezone(timezone(timedelta(hours=1)))
    for made, day in ((MADE, date(2026, 11, 24)), (berlin, date(2026, 11, 25))):
        found = report_of(Material((late,), (), (), None), SINCE, MADE, made, "mx1")
        assert list(found.totals.days) == [day]


def test_every_day_of_the_period_is_shown() -> None:
    """A day without mail is a day too."""
    days = of().days
    assert (days[0], days[-1], len(days)) == (date(2026, 11, 11), date(2026, 11, 25), 15)


def test_new_certificates_are_changes() -> None:
    """A certificate that passed for the first time in the period, beside another, is a change."""
    found = report()
    (partner,) = [one for one in found.partners if one.entry == WOODGROVE]
    assert [one.passed for one in changes_of(found, partner)] == [320]
    first = report(Material((), (sighting("a.woodgrovebank.test", "aa", first=2, passed=1),), (), None))
    assert changes_of(first, first.partners[0]) == ()


def test_partners_stand_in_order_and_one_without_mail_has_its_certificates() -> None:
    """Wildcards are sorted by their domain; certificates alone are worth a section."""
    assert next(one.entry for one in report().partners) == FABRIKAM
    only = report(Material((), (sighting(None, "aa", first=1, failed=1),), (), None))
    assert [one.entry for one in only.partners] == [WOODGROVE]


def test_a_report_needs_a_zone() -> None:
    """Days without a zone would be anybody's guess."""
    with pytest.raises(ValueError, match="zone"):
        report_of(Material((), (), (), None), SINCE, MADE, MADE.replace(tzinfo=None), "mx1")

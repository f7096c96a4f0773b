"""What a judgement says, from when and until when: to the second, and in exact words."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.revocation.judge import RevocationJudge
from domain_secure.policy.revocation.revocation import FOREVER, Judgement, RevocationStatus
from domain_secure.policy.revocation.statements import parse_ocsp_answers, parse_revocation_list

from lab.certificates import DAY, Authority
from lab.revocations import delta_list, ocsp_answer, revocation_list, scope

NOW = datetime.now(UTC).replace(microsecond=0)
SECOND = timedelta(seconds=1)
GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")
LEAF = SUB.issue("mail.woodgrovebank.test")
PATH = tuple(parse(one.der) for one in (LEAF, SUB, ROOT))
NOTHING = "no CRL and no OCSP answer for it is at hand"
NOT_ABOUT_IT = "the CRLs and OCSP answers at hand do not speak about it"
KEY = "because of a compromised key"
DATES = {"this_update": NOW - DAY, "next_update": NOW + DAY}
PAST = {"this_update": NOW - 9 * DAY, "next_update": NOW - 2 * DAY}
ROOT_LIST = revocation_list(ROOT, this_update=NOW - DAY, next_update=NOW + 30 * DAY)
BROKEN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)


def judged(*statements: bytes, at: datetime = NOW) -> Judgement:
    """Return what is known of the path by these lists and answers and the root's list."""
    return judged_without_root(ROOT_LIST, *statements, at=at)


def judged_without_root(*statements: bytes, at: datetime = NOW) -> Judgement:
    """Return what is known of the path by these lists and answers alone, whatever their order."""
    found = []
    for der in statements:
        try:
            found.append(parse_revocation_list(der))
        except ValueError:
            found += parse_ocsp_answers(der)
    judgement = RevocationJudge().judge_by(PATH, found, at)
    assert RevocationJudge().judge_by(PATH, found[::-1] + found, at) == judgement
    return judgement


@pytest.mark.parametrize("kind", ["CRL", "OCSP"])
def test_good_from_one_update_to_the_next(kind: str) -> None:
    """Both included, and told; before and after nobody knows, and it is told why."""
    made = revocation_list(SUB, **DATES) if kind == "CRL" else ocsp_answer(LEAF, SUB, **DATES)
    good = Judgement(GOOD, f"not revoked as of {NOW - DAY:%Y-%m-%d} by CRL", NOW - DAY, NOW + DAY)
    if kind == "OCSP":
        good = Judgement(GOOD, f"not revoked as of {NOW - DAY:%Y-%m-%d} by OCSP", NOW - DAY, NOW + DAY)
    of_root = revocation_list(ROOT, this_update=NOW - 2 * DAY)
    assert judged(made, at=NOW - DAY) == good
    assert judged(made, at=NOW + DAY) == good
    early = judged_without_root(made, of_root, at=NOW - DAY - SECOND)
    assert early == Judgement(UNKNOWN, NOTHING)
    what = "CRL" if kind == "CRL" else "OCSP answer"
    late = Judgement(UNKNOWN, f"the newest {what} for it is out of date since {NOW + DAY:%Y-%m-%d}")
    assert judged(made, at=NOW + DAY + SECOND) == late


def test_the_first_end_and_the_oldest_word_of_a_path() -> None:
    """It holds as long as all of its statements, and is as old as the oldest of them."""
    old, new = NOW - 2 * DAY, NOW - DAY
    of_root = ocsp_answer(SUB, ROOT, this_update=old, next_update=NOW + 9 * DAY)
    of_leaf = revocation_list(SUB, this_update=new, next_update=NOW + 5 * DAY)
    told = f"not revoked as of {old:%Y-%m-%d} by OCSP"
    assert judged_without_root(of_root, of_leaf) == Judgement(GOOD, told, old, NOW + 5 * DAY)
    of_root = ocsp_answer(SUB, ROOT, this_update=new, next_update=NOW + 3 * DAY)
    of_leaf = revocation_list(SUB, this_update=old, next_update=NOW + 5 * DAY)
    told = f"not revoked as of {old:%Y-%m-%d} by CRL"
    assert judged_without_root(of_root, of_leaf) == Judgement(GOOD, told, old, NOW + 3 * DAY)


@pytest.mark.parametrize("kind", ["CRL", "OCSP"])
def test_revoked(kind: str) -> None:
    """With its date and its reason, from the update of what says so until the next one."""
    begin = NOW - DAY / 2
    dates = {"this_update": begin, "next_update": NOW + DAY}
    if kind == "CRL":
        made, when = revocation_list(SUB, LEAF, **dates), begin - DAY
    else:
        made, when = ocsp_answer(LEAF, SUB, "revoked", **dates), NOW - DAY
    detail = f"revoked on {when:%Y-%m-%d} {KEY}, by {kind}"
    assert judged(made) == Judgement(REVOKED, detail, begin, NOW + DAY)
    assert judged(made, at=begin).status is REVOKED
    assert judged(made, at=begin - SECOND).status is UNKNOWN
    assert judged(made, at=NOW + DAY) == Judgement(REVOKED, detail, begin, NOW + DAY)
    past = f"; that is out of date since {NOW + DAY:%Y-%m-%d}, and nothing newer lifts it"
    assert judged(made, at=NOW + DAY + SECOND) == Judgement(REVOKED, detail + past, begin, None)


def test_authority_that_is_revoked_or_unknown() -> None:
    """It is named, with its own words and times; the nearest to the host is told first."""
    on_list = revocation_list(ROOT, SUB, **DATES)
    clean = revocation_list(SUB, **DATES)
    was = f"revoked on {NOW - 2 * DAY:%Y-%m-%d} {KEY}, by CRL"
    told = f"revoked with its authority CN=Lab Sub, which was {was}"
    assert judged_without_root(on_list, clean) == Judgement(REVOKED, told, NOW - DAY, NOW + DAY)
    assert judged_without_root(clean) == Judgement(UNKNOWN, f"authority CN=Lab Sub: {NOTHING}")
    assert judged_without_root() == Judgement(UNKNOWN, NOTHING)
    both = judged_without_root(on_list, revocation_list(SUB, LEAF, **DATES))
    assert both.detail == was
    past = revocation_list(ROOT, SUB, **PAST)
    told = judged_without_root(past, clean)
    assert told.detail.endswith(
        f"; that is out of date since {NOW - 2 * DAY:%Y-%m-%d}, and nothing newer lifts it"
    )
    assert (told.since, told.until) == (NOW - 9 * DAY, None)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ([], NOTHING),
        ([revocation_list(Authority.create("Other"), **DATES)], NOTHING),
        ([revocation_list(SUB, extensions=[scope(only_contains_ca_certs=True)], **DATES)], NOT_ABOUT_IT),
        ([ocsp_answer(SUB, ROOT, **DATES)], NOTHING),
        ([ocsp_answer(LEAF, SUB, "unknown", **DATES)], NOT_ABOUT_IT),
        ([ocsp_answer(LEAF, SUB, "unknown", this_update=NOW - DAY, next_update=NOW)], NOT_ABOUT_IT),
        ([revocation_list(SUB, extensions=[BROKEN], this_update=NOW - DAY, next_update=NOW)], NOT_ABOUT_IT),
        (
            [revocation_list(SUB, **PAST), ocsp_answer(LEAF, SUB, **(PAST | {"next_update": NOW - DAY}))],
            f"the newest OCSP answer for it is out of date since {NOW - DAY:%Y-%m-%d}",
        ),
        (
            [ocsp_answer(LEAF, SUB, **PAST), revocation_list(SUB, **(PAST | {"next_update": NOW - DAY}))],
            f"the newest CRL for it is out of date since {NOW - DAY:%Y-%m-%d}",
        ),
        (
            [
                revocation_list(SUB, extensions=[scope(only_contains_ca_certs=True)], **DATES),
                ocsp_answer(LEAF, SUB, **PAST),
            ],
            f"the newest OCSP answer for it is out of date since {NOW - 2 * DAY:%Y-%m-%d}",
        ),
    ],
)
def test_why_nobody_knows(statements: list[bytes], why: str) -> None:
    """What is at hand is told apart from what is not, and the newest that has ended from the others."""
    assert judged(*statements) == Judgement(UNKNOWN, why)


def test_the_later_end_of_two_that_agree() -> None:
    """Until then it need not be asked for again."""
    soon, later = NOW + DAY, NOW + 2 * DAY
    for statements in (
        (revocation_list(SUB, this_update=NOW, next_update=soon), ocsp_answer(LEAF, SUB, next_update=later)),
        (revocation_list(SUB, this_update=NOW, next_update=later), ocsp_answer(LEAF, SUB, next_update=soon)),
    ):
        assert judged(*statements).until == later
    for statements in (
        (
            revocation_list(SUB, LEAF, this_update=NOW, next_update=soon),
            ocsp_answer(LEAF, SUB, "revoked", next_update=later),
        ),
        (
            revocation_list(SUB, LEAF, this_update=NOW, next_update=later),
            ocsp_answer(LEAF, SUB, "revoked", next_update=soon),
        ),
    ):
        assert judged(*statements).until == later


def test_of_two_words_of_one_time_the_worse_counts() -> None:
    """A revocation that has ended is not lifted by what is just as old."""
    ended = ocsp_answer(LEAF, SUB, "revoked", **PAST)
    alike = revocation_list(SUB, this_update=NOW - 9 * DAY, next_update=NOW + DAY)
    newer = revocation_list(SUB, this_update=NOW - 9 * DAY + SECOND, next_update=NOW + DAY)
    assert judged(ended, alike).status is REVOKED
    assert judged(ended, newer).status is GOOD


def test_as_of_a_delta_list() -> None:
    """Base and delta list together say as of the delta list, and until the first of the two ends."""
    base = revocation_list(SUB, number=5, this_update=NOW - 3 * DAY, next_update=NOW + 4 * DAY)
    delta = delta_list(SUB, base=5, number=6, this_update=NOW - DAY, next_update=NOW + DAY)
    told = f"not revoked as of {NOW - DAY:%Y-%m-%d} by CRL"
    found = judged(base, delta)
    assert found == Judgement(GOOD, told, NOW - DAY, NOW + DAY)
    late = judged(base, delta, at=NOW + 2 * DAY)
    assert (late.status, late.until, late.since) == (GOOD, NOW + 4 * DAY, NOW - 3 * DAY)


def test_lists_of_single_reasons_together() -> None:
    """They are good together as of the older of them, until the first of them ends."""
    every = [one for one in x509.ReasonFlags if one.name not in {"unspecified", "remove_from_crl"}]
    some, rest = frozenset(every[:3]), frozenset(every[3:])
    one = revocation_list(
        SUB, extensions=[scope(only_some_reasons=some)], this_update=NOW - 2 * DAY, next_update=NOW + 3 * DAY
    )
    other = revocation_list(
        SUB, extensions=[scope(only_some_reasons=rest)], this_update=NOW - DAY, next_update=NOW + 2 * DAY
    )
    found = judged(one, other)
    told = f"not revoked as of {NOW - 2 * DAY:%Y-%m-%d} by CRL"
    assert found == Judgement(GOOD, told, NOW - 2 * DAY, NOW + 2 * DAY)
    assert judged(one) == judged(other) == Judgement(UNKNOWN, NOT_ABOUT_IT)


def test_certificate_without_anybody_above() -> None:
    """Trusted by itself, it is not revoked, whatever is at hand."""
    found = RevocationJudge().judge_by(PATH[2:], [parse_revocation_list(ROOT_LIST)], NOW)
    assert found == Judgement(GOOD, "it is itself trusted", NOW, FOREVER)


def test_certificate_that_is_never_revoked() -> None:
    """It is as good as of now, and the others of its path count."""
    never = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\5\0"), False)
    path = (parse(SUB.issue("a.test", extensions=[never]).der), *PATH[1:])
    lists = [parse_revocation_list(ROOT_LIST)]
    found = RevocationJudge().judge_by(path, lists, NOW)
    told = f"not revoked as of {NOW - DAY:%Y-%m-%d} by CRL"
    assert found == Judgement(GOOD, told, NOW - DAY, NOW + 30 * DAY)
    alone = (parse(ROOT.issue("a.test", extensions=[never]).der), PATH[2])
    found = RevocationJudge().judge_by(alone, [], NOW)
    assert found == Judgement(GOOD, "its authority never revokes it", NOW, FOREVER)

"""What a location says anew, beside what it said before: which of it is taken, and in which words not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.revocation.judge import RevocationJudge, UselessStatementError
from domain_secure.policy.revocation.revocation import Location, Need, OcspAnswer, Statement
from domain_secure.policy.revocation.statements import parse_ocsp_answers, parse_revocation_list

from lab.certificates import DAY, Authority, new_key
from lab.revocations import delta_list, ocsp_answer, revocation_list, scope

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Authority.create("Lab Root")
INTERMEDIATE = ROOT.authority("Lab Intermediate")
LEAF = INTERMEDIATE.issue("mail.woodgrovebank.test")
PATH = tuple(parse(one.der) for one in (LEAF, INTERMEDIATE, ROOT))

HOSTS = [scope(only_contains_user_certs=True)]
AUTHORITIES = [scope(only_contains_ca_certs=True)]
FEW_REASONS = [scope(only_some_reasons=frozenset({x509.ReasonFlags.superseded}))]
MORE_REASONS = [
    scope(only_some_reasons=frozenset({x509.ReasonFlags.superseded, x509.ReasonFlags.key_compromise}))
]
EARLIER = {"this_update": NOW - DAY}

FORGED = "the authority of the certificate has not signed it"
ABOUT_OTHERS = "it is not about certificates like the one that names it"
OLDER = "it is older than the one we have"
LESS = "it is about less than the one we have"
SAYS_NOTHING = "it does not say whether the certificate is revoked"


def a_list(authority: Authority = INTERMEDIATE, **options: object) -> Statement:
    """Return a list, now unless the options say otherwise; these are revocation_list()'s."""
    return parse_revocation_list(revocation_list(authority, **{"this_update": NOW} | options))  # type: ignore[arg-type]


def a_delta(**options: object) -> Statement:
    """Return a delta list upon the first list."""
    return parse_revocation_list(delta_list(INTERMEDIATE, base=1, **{"this_update": NOW} | options))  # type: ignore[arg-type]


def an_answer(status: str = "good", **options: object) -> Statement:
    """Return an answer about the leaf, now unless the options say otherwise; these are ocsp_answer()'s."""
    (found,) = parse_ocsp_answers(
        ocsp_answer(LEAF, INTERMEDIATE, status, **{"this_update": NOW} | options)  # type: ignore[arg-type]
    )
    return found


def about_the_authority(status: str = "good") -> Statement:
    """Return an answer about the authority of the leaf."""
    (found,) = parse_ocsp_answers(ocsp_answer(INTERMEDIATE, ROOT, status, this_update=NOW))
    return found


def refusal(new: Sequence[Statement], former: Sequence[Statement] = (), index: int = 0) -> str | None:
    """Return why the *new* statements may not take the place of the *former* ones, or None."""
    try:
        RevocationJudge().check_progress(
            PATH, Need(Location("http://crl.lab.test/"), index), new, former, NOW
        )
    except UselessStatementError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("new", "former"),
    [
        ([a_list()], []),
        ([a_list()], [a_list()]),
        ([a_list(number=6)], [a_list(number=5)]),
        ([a_list(number=6)], [a_list(number=5, **EARLIER)]),
        ([a_list(number=1)], [a_list(number=9, extensions=AUTHORITIES)]),
        ([a_list(**EARLIER)], [a_list(extensions=AUTHORITIES)]),
        ([a_list(**EARLIER), a_list(extensions=AUTHORITIES)], [a_list(number=None, **EARLIER)]),
        ([a_list(extensions=AUTHORITIES, **EARLIER), a_list()], [a_list(number=None)]),
        ([a_list(extensions=HOSTS)], [a_list()]),
        ([a_list()], [a_list(extensions=HOSTS)]),
        ([a_list(), a_list(extensions=HOSTS, **EARLIER)], [a_list()]),
        ([a_list()], [a_list(**EARLIER), a_list(extensions=HOSTS)]),
        ([a_list(extensions=FEW_REASONS)], [a_list(extensions=FEW_REASONS, **EARLIER)]),
        ([a_list(extensions=MORE_REASONS)], [a_list(extensions=FEW_REASONS)]),
        ([a_list()], [a_list(extensions=MORE_REASONS)]),
        ([a_list()], [a_delta()]),
        ([a_delta(number=3)], [a_delta(number=2)]),
        ([a_list(**EARLIER)], [an_answer()]),
        ([an_answer()], []),
        ([an_answer("revoked")], [an_answer()]),
        ([an_answer()], [an_answer(**EARLIER)]),
        ([an_answer(), about_the_authority()], []),
    ],
)
def test_what_takes_the_place(new: Sequence[Statement], former: Sequence[Statement]) -> None:
    """What is as new and about as much does, whatever there was about others, and in whichever order."""
    assert refusal(new, former) is None
    assert refusal(new[::-1], former[::-1]) is None


@pytest.mark.parametrize(
    ("new", "former", "why"),
    [
        ([a_list(key=new_key())], [], FORGED),
        ([a_list(), a_list(number=2, key=new_key())], [], FORGED),
        ([a_list(ROOT)], [], FORGED),
        ([a_list(extensions=AUTHORITIES)], [], ABOUT_OTHERS),
        ([a_list(number=9, extensions=AUTHORITIES)], [a_list()], ABOUT_OTHERS),
        ([a_list(number=4)], [a_list(number=5, **EARLIER)], OLDER),
        ([a_list(number=4), a_list(extensions=HOSTS)], [a_list(number=5, **EARLIER)], OLDER),
        ([a_list(**EARLIER)], [a_list()], OLDER),
        ([a_list(extensions=HOSTS, **EARLIER)], [a_list()], OLDER),
        ([a_list(**EARLIER)], [a_list(extensions=HOSTS), a_list(**EARLIER)], OLDER),
        ([a_list(extensions=HOSTS, **EARLIER), a_list(extensions=AUTHORITIES)], [a_list()], OLDER),
        ([a_list(extensions=FEW_REASONS)], [a_list()], LESS),
        ([a_list(extensions=FEW_REASONS)], [a_list(extensions=MORE_REASONS)], LESS),
        ([a_delta(number=7)], [a_list()], LESS),
        ([a_delta(number=7)], [a_list(extensions=FEW_REASONS)], LESS),
        ([an_answer("unknown")], [], SAYS_NOTHING),
        ([about_the_authority()], [], SAYS_NOTHING),
        ([an_answer(**EARLIER)], [an_answer()], OLDER),
        ([an_answer(**EARLIER)], [an_answer(this_update=NOW - 2 * DAY), an_answer()], OLDER),
    ],
)
def test_what_does_not(new: Sequence[Statement], former: Sequence[Statement], why: str) -> None:
    """What is forged, older, about others or about less does not, and each says which of these it is."""
    assert refusal(new, former) == why
    assert refusal(new[::-1], former[::-1]) == why


def test_dates_of_what_is_refused() -> None:
    """What ended, or has not begun, says when, to the minute; both ends themselves are inside."""
    minute = timedelta(minutes=1)
    ended = {"this_update": NOW - DAY, "next_update": NOW - minute}
    for late in (a_list(**ended), an_answer(**ended)):
        assert refusal([late]) == f"it is out of date since {NOW - minute:%Y-%m-%d %H:%M}"
        assert refusal([late, a_list()]) == refusal([a_list(), late]) == refusal([late])
    for early in (a_list(this_update=NOW + minute), an_answer(this_update=NOW + minute)):
        assert refusal([early]) == f"it is not valid before {NOW + minute:%Y-%m-%d %H:%M}"
    assert refusal([a_list(this_update=NOW - DAY, next_update=NOW)]) is None
    backwards = OcspAnswer("digest", b"", 1, this_update=NOW + minute, next_update=NOW)
    assert refusal([backwards]) == f"it is not valid before {NOW + minute:%Y-%m-%d %H:%M}"


def test_which_certificate_it_is_about() -> None:
    """That which names the location: not the one below it, nor the one above."""
    assert refusal([a_list(ROOT)], index=1) is None
    assert refusal([a_list(ROOT, extensions=AUTHORITIES)], index=1) is None
    assert refusal([a_list(ROOT, extensions=HOSTS)], index=1) == ABOUT_OTHERS
    assert refusal([a_list(INTERMEDIATE)], index=1) == FORGED
    assert refusal([about_the_authority()], index=1) is None
    assert refusal([an_answer()], index=1) == SAYS_NOTHING
    assert refusal([a_list(ROOT, **EARLIER)], [a_list(ROOT, extensions=HOSTS)], index=1) is None
    assert refusal([a_list(ROOT, **EARLIER)], [a_list(ROOT, extensions=AUTHORITIES)], index=1) == OLDER


@pytest.mark.parametrize(
    ("statement", "helped"),
    [
        (a_list(), {0}),
        (a_list(extensions=HOSTS), {0}),
        (a_list(extensions=AUTHORITIES), set()),
        (a_list(key=new_key()), set()),
        (a_list(ROOT), {1}),
        (a_list(ROOT, extensions=HOSTS), set()),
        (an_answer("revoked"), {0}),
        (an_answer("unknown"), set()),
        (about_the_authority(), {1}),
    ],
)
def test_what_helps(statement: Statement, helped: set[int]) -> None:
    """A statement is of use to the certificates it is about, alone and among others of no use."""
    judge, useless = RevocationJudge(), a_list(Authority.create("Another"))
    for index in (0, 1):
        need = Need(Location("http://crl.lab.test/"), index)
        for statements in ([statement], [useless, statement], [statement, useless]):
            assert judge.helps(PATH, need, statements, NOW) is (index in helped)
        assert not judge.helps(PATH, need, [], NOW)

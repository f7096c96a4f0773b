"""Revocation of a path, judged on lists and answers made on the spot."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.revocation.judge import RevocationJudge
from domain_secure.policy.revocation.revocation import FOREVER, Judgement, RevocationStatus
from domain_secure.policy.revocation.statements import (
    MalformedOcspAnswerError,
    MalformedRevocationListError,
    parse_ocsp_answers,
    parse_revocation_list,
)

from lab.certificates import DAY, Authority, Issued, new_key
from lab.revocations import (
    HOLD,
    LIFTED,
    Pointers,
    delta_list,
    ocsp_answer,
    ocsp_responder,
    pem_list,
    point,
    revocation_list,
    scope,
)

NOW = datetime.now(UTC)
GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
POINT = "http://crl.lab.test/leaf.crl"

ROOT = Authority.create("Lab Root")
INTERMEDIATE = ROOT.authority("Lab Intermediate")
POINTERS = Pointers(lists=(POINT,), responders=("http://ocsp.lab.test/",))
LEAF = INTERMEDIATE.issue("mail.woodgrovebank.test", extensions=POINTERS)
PAST = {"this_update": NOW - 9 * DAY, "next_update": NOW - 2 * DAY}
NEWER = {"this_update": NOW - 8 * DAY}
ROOT_LIST = revocation_list(ROOT)
CLEAN_LIST = revocation_list(INTERMEDIATE)
REVOKING_LIST = revocation_list(INTERMEDIATE, LEAF)


def path_of(*issued: Issued) -> tuple[Certificate, ...]:
    """Return certificates as a path."""
    return tuple(parse(one.der) for one in issued)


PATH = path_of(LEAF, INTERMEDIATE, ROOT)


def judged(
    *lists: bytes, ocsp: tuple[bytes, ...] = (), path: tuple[Certificate, ...] = PATH, at: datetime = NOW
) -> Judgement:
    """Return what is known of the path by these lists and answers."""
    answers = [answer for der in ocsp for answer in parse_ocsp_answers(der)]
    return RevocationJudge().judge(path, map(parse_revocation_list, lists), answers, at)


def test_both_lists_and_nobody_on_them() -> None:
    """With a current list for every certificate the path is not revoked, for as long as all lists last."""
    soon = datetime.now(UTC).replace(microsecond=0) + DAY
    found = judged(ROOT_LIST, revocation_list(INTERMEDIATE, 1, 2, 3, next_update=soon))
    assert (found.status, found.until) == (GOOD, soon)
    assert found.detail == f"not revoked as of {found.since:%Y-%m-%d} by CRL"


def test_revoked_leaf() -> None:
    """A leaf on its authority's list is revoked, with date and reason."""
    found = judged(ROOT_LIST, REVOKING_LIST)
    assert found.status is REVOKED
    assert found.detail == f"revoked on {NOW - DAY:%Y-%m-%d} because of a compromised key, by CRL"


def test_revoked_authority() -> None:
    """A revoked authority revokes what is below it, and is named."""
    found = judged(revocation_list(ROOT, INTERMEDIATE), CLEAN_LIST)
    assert found.status is REVOKED
    assert found.detail.startswith("revoked with its authority CN=Lab Intermediate, which was revoked on ")


def test_unknown_authority_does_not_hide_a_revoked_leaf() -> None:
    """Each certificate is judged by itself."""
    assert judged(REVOKING_LIST).status is REVOKED
    assert judged(CLEAN_LIST).status is UNKNOWN
    assert judged(ROOT_LIST).detail == "no CRL and no OCSP answer for it is at hand"


def test_list_outside_its_dates_counts_as_unknown() -> None:
    """Past its next update, or before its own time, a list does not say that a certificate is good."""
    found = judged(ROOT_LIST, revocation_list(INTERMEDIATE, **PAST))
    assert found.status is UNKNOWN
    assert found.detail == f"the newest CRL for it is out of date since {NOW - 2 * DAY:%Y-%m-%d}"
    assert judged(ROOT_LIST, revocation_list(INTERMEDIATE, LEAF, this_update=NOW + DAY)).status is UNKNOWN
    assert judged(ROOT_LIST, CLEAN_LIST, at=NOW + 8 * DAY).status is UNKNOWN


REVOKED_ONCE = revocation_list(INTERMEDIATE, LEAF, **PAST)
ANSWERED_ONCE = ocsp_answer(LEAF, INTERMEDIATE, "revoked", **PAST)


def test_a_revocation_outlives_its_list_and_its_answer() -> None:
    """What was revoked stays so when nobody renews the list or the answer, and that is said."""
    for found in (judged(ROOT_LIST, REVOKED_ONCE), judged(ROOT_LIST, ocsp=(ANSWERED_ONCE,))):
        assert found.status is REVOKED
        assert found.until is None
        assert (
            f"; that is out of date since {NOW - 2 * DAY:%Y-%m-%d}, and nothing newer lifts it"
            in found.detail
        )
    authority = judged(revocation_list(ROOT, INTERMEDIATE, **PAST), CLEAN_LIST)
    assert authority.status is REVOKED


@pytest.mark.parametrize(
    ("newer", "status"),
    [
        (revocation_list(INTERMEDIATE, number=2, **NEWER), GOOD),
        (revocation_list(INTERMEDIATE, number=2, **(PAST | NEWER)), UNKNOWN),
        (revocation_list(INTERMEDIATE, extensions=[scope(POINT)], **NEWER), GOOD),
        (revocation_list(INTERMEDIATE, extensions=[scope(only_contains_user_certs=True)], **NEWER), GOOD),
        (revocation_list(INTERMEDIATE, number=2, key=new_key(), **NEWER), REVOKED),
        (revocation_list(INTERMEDIATE, extensions=[scope(only_contains_ca_certs=True)], **NEWER), REVOKED),
        (
            revocation_list(INTERMEDIATE, extensions=[scope(only_contains_attribute_certs=True)], **NEWER),
            REVOKED,
        ),
        (
            revocation_list(INTERMEDIATE, extensions=[scope("http://crl.lab.test/other.crl")], **NEWER),
            REVOKED,
        ),
        (
            revocation_list(
                INTERMEDIATE,
                extensions=[scope(only_some_reasons=frozenset({x509.ReasonFlags.superseded}))],
                **NEWER,
            ),
            REVOKED,
        ),
        (revocation_list(INTERMEDIATE, extensions=[scope(POINT)], this_update=NOW - 10 * DAY), REVOKED),
        (revocation_list(INTERMEDIATE, LEAF, number=2, **NEWER), REVOKED),
    ],
    ids=[
        "newer list",
        "newer list, past as well",
        "newer list of the distribution point",
        "newer list of hosts",
        "forged list",
        "list of authorities",
        "list of attribute certificates",
        "list of another distribution point",
        "list of other reasons",
        "older list that is current",
        "newer list that has it too",
    ],
)
def test_what_lifts_a_revocation(newer: bytes, status: RevocationStatus) -> None:
    """A newer statement about the certificate, and nothing else."""
    assert judged(ROOT_LIST, REVOKED_ONCE, newer).status is status
    assert judged(ROOT_LIST, newer, ocsp=(ANSWERED_ONCE,)).status is status


def test_answers_and_lists_lift_each_other() -> None:
    """The newest word counts, whichever kind it is of."""
    good_since = ocsp_answer(LEAF, INTERMEDIATE, **NEWER)
    good_before = ocsp_answer(LEAF, INTERMEDIATE, this_update=NOW - 10 * DAY)
    good_once = ocsp_answer(LEAF, INTERMEDIATE, **(PAST | NEWER))
    about_another = ocsp_answer(INTERMEDIATE, ROOT)
    for answer, status in (
        (good_since, GOOD),
        (good_before, REVOKED),
        (good_once, UNKNOWN),
        (about_another, REVOKED),
    ):
        assert judged(ROOT_LIST, REVOKED_ONCE, ocsp=(answer,)).status is status


@pytest.mark.parametrize(
    "worthless",
    [
        revocation_list(INTERMEDIATE, key=new_key()),
        revocation_list(Authority.create("Lab Intermediate")),
        revocation_list(Authority.create("Another")),
        revocation_list(ROOT),
        revocation_list(INTERMEDIATE, extensions=[scope("http://crl.lab.test/other.crl")]),
        revocation_list(INTERMEDIATE, extensions=[scope(only_contains_ca_certs=True)]),
        revocation_list(INTERMEDIATE, extensions=[scope(only_contains_attribute_certs=True)]),
        revocation_list(
            INTERMEDIATE, extensions=[scope(only_some_reasons=frozenset({x509.ReasonFlags.superseded}))]
        ),
        revocation_list(
            INTERMEDIATE,
            extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)],
        ),
        delta_list(INTERMEDIATE, base=1),
    ],
    ids=[
        "another key",
        "same name, another authority",
        "another authority",
        "the authority above",
        "another distribution point",
        "for authorities only",
        "for attribute certificates only",
        "for some reasons only",
        "a critical extension nobody knows",
        "a delta list without its base",
    ],
)
def test_list_that_does_not_speak_about_the_certificate(worthless: bytes) -> None:
    """Signature, issuer and scope are checked: neither good nor revoked comes from such a list."""
    assert judged(ROOT_LIST, worthless).status is UNKNOWN


def test_indirect_list_of_somebody_else_is_unknown() -> None:
    """An authority that the certificate names as the issuer of its list is not followed."""
    other = ROOT.authority("Lab Lists")
    there = point(POINT, crl_issuer=[x509.DirectoryName(other.certificate.subject)])
    leaf = INTERMEDIATE.issue("a.test", extensions=[(x509.CRLDistributionPoints([there]), False)])
    indirect = revocation_list(other, extensions=[scope(POINT, indirect_crl=True)])
    assert judged(ROOT_LIST, indirect, path=path_of(leaf, INTERMEDIATE, ROOT)).status is UNKNOWN


def test_list_of_the_certificates_own_distribution_point() -> None:
    """A list in parts counts for the certificates that name its part."""
    part = revocation_list(INTERMEDIATE, extensions=[scope(POINT, only_contains_user_certs=True)])
    assert judged(ROOT_LIST, part).status is GOOD


@pytest.mark.parametrize(("name", "last_octet"), [("MD5", 4), ("SHA1", 5)])
def test_old_digests_in_signatures_are_not_believed(name: str, last_octet: int) -> None:
    """They are as bad under a list or an answer as under a certificate."""
    authority = Authority.create("RSA", key="rsa2048")

    def renamed(signed: bytes) -> bytes:
        algorithm = bytes.fromhex("2a864886f70d0101")
        return signed.replace(algorithm + b"\x0b", algorithm + bytes([last_octet]))

    with pytest.raises(MalformedRevocationListError) as of_list:
        parse_revocation_list(renamed(revocation_list(authority)))
    with pytest.raises(MalformedOcspAnswerError) as of_answer:
        parse_ocsp_answers(renamed(ocsp_answer(authority.issue("a.test"), authority)))
    told = f"its signature uses {name}, which is no longer trusted"
    assert str(of_list.value) == str(of_answer.value) == told


def test_the_newest_list_counts() -> None:
    """A hold that a newer list lifts is no longer one; an older list does not undo a revocation."""
    held = revocation_list(INTERMEDIATE, LEAF, number=1, reasons={LEAF.certificate.serial_number: HOLD})
    assert judged(ROOT_LIST, held).status is REVOKED
    assert judged(ROOT_LIST, held, revocation_list(INTERMEDIATE, number=2)).status is GOOD
    assert judged(ROOT_LIST, CLEAN_LIST, revocation_list(INTERMEDIATE, LEAF, number=2)).status is REVOKED


def test_forged_newer_list_does_not_displace_the_real_one() -> None:
    """What is not signed by the authority does not take part in the choice of the newest."""
    forged = revocation_list(INTERMEDIATE, number=99, key=new_key())
    assert judged(ROOT_LIST, REVOKING_LIST, forged).status is REVOKED


@pytest.fixture(scope="module")
def base() -> bytes:
    """Return a complete list with the leaf on hold, which points to delta lists."""
    freshest = (x509.FreshestCRL([point("http://crl.lab.test/delta.crl")]), False)
    hold = {LEAF.certificate.serial_number: HOLD}
    return revocation_list(INTERMEDIATE, LEAF, number=5, reasons=hold, extensions=[freshest])


def test_delta_list_adds_and_lifts(base: bytes) -> None:
    """A delta list that builds upon the complete one changes it, in both directions."""
    lifted = {LEAF.certificate.serial_number: LIFTED}
    assert judged(ROOT_LIST, base).status is REVOKED, "a complete list counts without its delta list"
    assert judged(ROOT_LIST, base, delta_list(INTERMEDIATE, base=5, number=6)).status is REVOKED
    lifting = delta_list(INTERMEDIATE, LEAF, base=5, number=6, reasons=lifted)
    assert judged(ROOT_LIST, base, lifting).status is GOOD
    freshest = (x509.FreshestCRL([point("http://crl.lab.test/delta.crl")]), False)
    clean = revocation_list(INTERMEDIATE, number=5, extensions=[freshest])
    assert judged(ROOT_LIST, clean).status is GOOD
    assert judged(ROOT_LIST, clean, delta_list(INTERMEDIATE, LEAF, base=5, number=6)).status is REVOKED


def test_delta_list_counts_whoever_points_to_it() -> None:
    """It may be named by the certificate alone, or stand in a file beside its base."""
    clean = revocation_list(INTERMEDIATE, number=5)
    hold = {LEAF.certificate.serial_number: HOLD}
    held = revocation_list(INTERMEDIATE, LEAF, number=5, reasons=hold)
    lifting = delta_list(
        INTERMEDIATE, LEAF, base=5, number=6, reasons={LEAF.certificate.serial_number: LIFTED}
    )
    revoking = delta_list(INTERMEDIATE, LEAF, base=4, number=6)
    assert judged(ROOT_LIST, clean, revoking).status is REVOKED
    assert judged(ROOT_LIST, held).status is REVOKED
    assert judged(ROOT_LIST, held, lifting).status is GOOD
    assert judged(ROOT_LIST, clean, delta_list(INTERMEDIATE, 1, base=5, number=6)).status is GOOD
    newer = delta_list(INTERMEDIATE, base=5, number=7)
    assert judged(ROOT_LIST, clean, revoking, newer).status is GOOD, "the newest delta list counts"


@pytest.mark.parametrize(
    "elsewhere",
    [
        delta_list(ROOT, LEAF, base=5, number=6),
        delta_list(INTERMEDIATE, LEAF, base=5, number=6, key=new_key()),
        delta_list(INTERMEDIATE, LEAF, base=5, number=6, extensions=[scope(only_contains_ca_certs=True)]),
        delta_list(INTERMEDIATE, LEAF, base=3, number=4),
    ],
    ids=["of another authority", "forged", "of another scope", "older than the complete list"],
)
def test_delta_list_that_does_not_amend(elsewhere: bytes) -> None:
    """It leaves the complete list as it is."""
    assert judged(ROOT_LIST, revocation_list(INTERMEDIATE, number=5), elsewhere).status is GOOD


def test_revocation_by_a_delta_list_outlives_it() -> None:
    """Until a complete list that is newer lifts it; the base alone is older."""
    base = revocation_list(INTERMEDIATE, number=5, this_update=NOW - 9 * DAY)
    past = {"this_update": NOW - 8 * DAY, "next_update": NOW - 7 * DAY}
    revoked = delta_list(INTERMEDIATE, LEAF, base=5, number=6, **past)
    assert judged(ROOT_LIST, base, revoked).status is REVOKED
    assert judged(ROOT_LIST, base, delta_list(INTERMEDIATE, 1, base=5, number=6, **past)).status is GOOD
    assert judged(ROOT_LIST, revocation_list(INTERMEDIATE, number=7), revoked).status is GOOD


def test_delta_list_without_its_base_may_still_revoke() -> None:
    """What it lists is revoked, whatever is missing in between; what it does not list is unknown."""
    revoking = delta_list(INTERMEDIATE, LEAF, base=6, number=7)
    assert judged(ROOT_LIST, revoking).status is REVOKED
    assert judged(ROOT_LIST, revocation_list(INTERMEDIATE, number=5), revoking).status is REVOKED
    assert judged(ROOT_LIST, delta_list(INTERMEDIATE, 1, base=6, number=7)).status is UNKNOWN


def test_delta_list_for_a_newer_base_is_left_out(base: bytes) -> None:
    """Between our complete list and the delta list's base something may be missing."""
    lifting = delta_list(
        INTERMEDIATE, LEAF, base=6, number=7, reasons={LEAF.certificate.serial_number: LIFTED}
    )
    assert judged(ROOT_LIST, base, lifting).status is REVOKED


RESPONDER = ocsp_responder(INTERMEDIATE)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (ocsp_answer(LEAF, INTERMEDIATE), GOOD),
        (ocsp_answer(LEAF, INTERMEDIATE, "revoked"), REVOKED),
        (ocsp_answer(LEAF, INTERMEDIATE, "unknown"), UNKNOWN),
        (ocsp_answer(LEAF, INTERMEDIATE, responder=RESPONDER), GOOD),
        (ocsp_answer(LEAF, INTERMEDIATE, "revoked", responder=RESPONDER), REVOKED),
        (ocsp_answer(LEAF, INTERMEDIATE, responder=ocsp_responder(INTERMEDIATE, may_sign=False)), UNKNOWN),
        (ocsp_answer(LEAF, INTERMEDIATE, responder=ocsp_responder(ROOT)), UNKNOWN),
        (ocsp_answer(LEAF, INTERMEDIATE, responder=Authority.create("Lab Intermediate")), UNKNOWN),
        (ocsp_answer(INTERMEDIATE, ROOT), UNKNOWN),
        (ocsp_answer(LEAF, INTERMEDIATE, this_update=NOW - 9 * DAY, next_update=NOW - DAY), UNKNOWN),
    ],
    ids=[
        "good",
        "revoked",
        "unknown to the responder",
        "good, by a delegate",
        "revoked, by a delegate",
        "a delegate without the purpose",
        "a delegate of another authority",
        "an impostor of the authority",
        "about another certificate",
        "out of date",
    ],
)
def test_ocsp(answer: bytes, status: RevocationStatus) -> None:
    """An OCSP answer counts when the issuer, or a delegate of it, has signed it and it is current."""
    assert judged(ROOT_LIST, ocsp=(answer,)).status is status


def test_any_source_that_says_revoked_is_believed() -> None:
    """List and responder may disagree, and the order of answers does not matter."""
    good, bad = ocsp_answer(LEAF, INTERMEDIATE), ocsp_answer(LEAF, INTERMEDIATE, "revoked")
    assert judged(ROOT_LIST, REVOKING_LIST, ocsp=(good,)).status is REVOKED
    assert judged(ROOT_LIST, CLEAN_LIST, ocsp=(bad,)).status is REVOKED
    assert judged(ROOT_LIST, ocsp=(good, bad)).status is REVOKED


def test_either_source_is_enough() -> None:
    """The answer lasts as long as the longer one of two sources that agree."""
    later = datetime.now(UTC).replace(microsecond=0) + 2 * DAY
    answers = (ocsp_answer(LEAF, INTERMEDIATE), ocsp_answer(INTERMEDIATE, ROOT, next_update=later))
    assert judged(ocsp=answers).status is GOOD
    assert judged(ROOT_LIST, CLEAN_LIST, ocsp=answers).until == parse_revocation_list(ROOT_LIST).next_update


def test_certificate_that_is_never_revoked() -> None:
    """A short-lived certificate may say so (RFC 9608); an authority may not."""
    never = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\5\0"), False)
    leaf = INTERMEDIATE.issue("a.test", extensions=[never])
    assert judged(ROOT_LIST, path=path_of(leaf, INTERMEDIATE, ROOT)).status is GOOD
    authority = ROOT.authority("Never", extensions=[never])
    leaf = authority.issue("a.test")
    path = path_of(leaf, authority, ROOT)
    assert judged(revocation_list(authority), path=path).status is UNKNOWN


def test_certificate_that_is_trusted_itself() -> None:
    """There is nobody above it who could revoke it."""
    found = judged(path=path_of(ROOT))
    assert (found.status, found.until) == (GOOD, FOREVER)


def test_one_judge_for_many_certificates() -> None:
    """What is remembered of one certificate does not leak into the verdict on another."""
    judge = RevocationJudge()
    others = [INTERMEDIATE.issue("b.test", extensions=POINTERS) for _ in range(3)]
    lists = [
        parse_revocation_list(ROOT_LIST),
        parse_revocation_list(revocation_list(INTERMEDIATE, others[1])),
    ]
    found = [judge.judge(path_of(one, INTERMEDIATE, ROOT), lists, (), NOW).status for one in (*others, LEAF)]
    assert found == [GOOD, REVOKED, GOOD, GOOD]
    part = [*lists[:1], parse_revocation_list(revocation_list(INTERMEDIATE, extensions=[scope(POINT)]))]
    elsewhere = INTERMEDIATE.issue("c.test", extensions=Pointers(lists=("http://crl.lab.test/other.crl",)))
    assert judge.judge(PATH, part, (), NOW).status is GOOD
    assert judge.judge(path_of(elsewhere, INTERMEDIATE, ROOT), part, (), NOW).status is UNKNOWN


@pytest.mark.parametrize("remembered", [1, 2])
def test_judge_that_remembers_little(monkeypatch: pytest.MonkeyPatch, remembered: int) -> None:
    """What it has forgotten it finds out again, and answers the same."""
    monkeypatch.setattr("domain_secure.policy.revocation.judge._REMEMBERED", remembered)
    judge = RevocationJudge()
    other = ROOT.authority("Lab Other")
    paths = [PATH, path_of(other.issue("a.test"), other, ROOT), path_of(INTERMEDIATE, ROOT)]
    lists = list(map(parse_revocation_list, (ROOT_LIST, CLEAN_LIST, revocation_list(other))))
    for path in (*paths, *paths[::-1]):
        assert judge.judge(path, lists, (), NOW).status is GOOD
        assert judge.judge(path, lists[1:], (), NOW).status is UNKNOWN


ANSWER = ocsp_answer(LEAF, INTERMEDIATE)


def changed(octets: bytes, place: float, by: int) -> bytes:
    """Return *octets* with one of them changed, at a fraction of the length."""
    position = int(place * len(octets))
    return octets[:position] + bytes([octets[position] ^ by]) + octets[position + 1 :]


PLACES = st.floats(0, 1, exclude_max=True)


@settings(max_examples=100, deadline=None)
@given(PLACES, st.integers(1, 255))
def test_changed_list_says_nothing(place: float, by: int) -> None:
    """One changed octet: our own error, or unknown, and nothing else is raised."""
    try:
        assert judged(ROOT_LIST, changed(CLEAN_LIST, place, by)).status is UNKNOWN
    except MalformedRevocationListError:
        return


@pytest.mark.parametrize("bits", range(1, 8))
def test_signature_is_whole_octets(bits: int) -> None:
    """Signatures that end in a zero bit stay valid for the library whatever the count of unused bits says."""
    made = CLEAN_LIST
    while made[-1] % (1 << bits):
        made = revocation_list(INTERMEDIATE)
    count = len(made) - len(x509.load_der_x509_crl(made).signature) - 1
    assert made[count] == 0
    with pytest.raises(MalformedRevocationListError) as raised:
        judged(ROOT_LIST, made[:count] + bytes([bits]) + made[count + 1 :])
    assert str(raised.value) == "its signature does not end with an octet"


@settings(max_examples=100, deadline=None)
@given(PLACES, st.integers(1, 255))
def test_changed_answer_says_nothing_else(place: float, by: int) -> None:
    """One changed octet in an answer never turns it round; its envelope and certificates are not signed."""
    try:
        assert judged(ROOT_LIST, ocsp=(changed(ANSWER, place, by),)).status is not REVOKED
        revoking = ocsp_answer(LEAF, INTERMEDIATE, "revoked")
        assert judged(ROOT_LIST, ocsp=(changed(revoking, place, by),)).status is not GOOD
    except MalformedOcspAnswerError:
        return


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_malformed(octets: bytes) -> None:
    """Octets that are no list and no answer are called malformed."""
    with pytest.raises(MalformedRevocationListError):
        parse_revocation_list(octets)
    with pytest.raises(MalformedOcspAnswerError):
        parse_ocsp_answers(octets)


def test_pem_helper_is_what_openssl_writes() -> None:
    """The laboratory's PEM has the label of RFC 7468."""
    assert pem_list(CLEAN_LIST).startswith(b"-----BEGIN X509 CRL-----")


def test_time_of_the_judgement_decides() -> None:
    """The same list is good today and unknown in a month."""
    assert judged(ROOT_LIST, CLEAN_LIST, at=NOW).status is GOOD
    assert judged(ROOT_LIST, CLEAN_LIST, at=NOW + timedelta(days=30)).status is UNKNOWN

"""By what our parts are known again, row by row of the table; Postfix is not asked."""

import pytest

from domain_secure.postfix.attach.attach_signs import Signs, plain_options
from domain_secure.postfix.instance import master_cf
from domain_secure.postfix.instance.master_cf import Option

SIGNS = Signs(
    endpoints=frozenset({"unix:domain-secure/milter", "inet:127.0.0.1:9000"}),
    tables=frozenset({"/state/maps/transport"}),
    values=frozenset({"{ unix:domain-secure/milter }, unix:theirs"}),
)


def options(*texts: str) -> list[Option]:
    """Return the options of a service that is written with *texts*."""
    line = "smtp inet n - y - - smtpd " + " ".join(f"-o {{ {one} }}" for one in texts) + "\n"
    (entry,) = master_cf.entries(line.encode())
    return list(entry.options)


@pytest.mark.parametrize(
    ("written", "others"),
    [
        ("smtpd_milters = { unix:domain-secure/milter, default_action=accept }", []),
        ("smtpd_milters = inet:127.0.0.1:9000, unix:a, { unix:b }", ["unix:a", "{ unix:b }"]),
        ("smtpd_milters = unix:a", None),
        ("smtpd_milters =", None),
        ("smtpd_data_restrictions = check_policy_service inet:127.0.0.1:9000, reject", ["reject"]),
        ("smtpd_data_restrictions = reject, check_policy_service { inet:127.0.0.1:9000 }", ["reject"]),
        ("smtpd_data_restrictions = check_policy_service unix:theirs", None),
        ("smtpd_data_restrictions = inet:127.0.0.1:9000", None),
        ("smtpd_restriction_classes = domain_secure_when_down, theirs", ["theirs"]),
        ("smtpd_restriction_classes = theirs", None),
        ("domain_secure_when_down = check_sender_access hash:/elsewhere", []),
        ("domain_secure_when_down =", []),
        ("cleanup_service_name = domain-secure-cleanup", []),
        ("cleanup_service_name = theirs", None),
        ("smtpd_tls_ask_ccert = yes", None),
        ("smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:9000", None),
    ],
)
def test_what_an_option_holds_of_others(written: str, others: list[str] | None) -> None:
    """Elements of others keep their order; an option without a sign of ours is none of ours."""
    (option,) = options(written)
    assert SIGNS.others_in(option) == others


def test_a_table_is_known_by_its_path() -> None:
    """Of any type, and by the whole path."""
    elements = (b"hash:/state/maps/transport", b"lmdb:/state/maps/transport", b"hash:/state/maps/transport2")
    assert [SIGNS.is_our_table(element) for element in elements] == [True, True, False]


def test_a_list_that_we_wrote_is_known_in_other_spacing() -> None:
    """An editing program may write it with other separators."""
    ours, theirs = options(
        "smtpd_milters = { unix:domain-secure/milter }   unix:theirs",
        "smtpd_milters = { unix:domain-secure/milter }, unix:theirs, unix:more",
    )
    assert (SIGNS.is_our_list(ours), SIGNS.is_our_list(theirs)) == (True, False)


def test_plain_options_are_ours_in_one_run_with_ours() -> None:
    """Behind ours or before, one of each name; not with another value, or with something else between."""
    found = options(
        "smtpd_tls_ask_ccert = yes",
        "other = 1",
        "smtpd_tls_ask_ccert = yes",
        "smtpd_tls_fingerprint_digest = sha256",
        "domain_secure_when_down = x",
        "smtpd_tls_ask_ccert = yes",
        "smtpd_tls_fingerprint_digest = md5",
        "smtpd_tls_ask_ccert = yes",
    )
    assert sorted(found.index(one) for one in plain_options(found, [found[4]])) == [3, 5]

"""Each setting that acts on the dedicated transport has a decision, in every release we know."""

import re
import shutil
from pathlib import Path

import pytest
from attach_place import Place

from domain_secure.postfix.attach.inherited_settings import (
    RULES,
    Decision,
    Rule,
    is_outdated,
    resets,
    rule_of,
)
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

#: What smtp(8), qmgr(8) and trivial-rewrite(8) read, and what is named smtp_, lmtp_, tls_ or default_.
NAMES = {
    path.stem: path.read_text().split()
    for path in (Path(__file__).parents[3] / "data" / "postfix_parameters").glob("*.txt")
}
NEEDS_POSTFIX = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


@pytest.mark.parametrize("release", ["3.7", "3.10", "3.11"])
def test_every_setting_has_a_decision(release: str) -> None:
    """None is inherited by oversight."""
    assert len(NAMES[release]) > 450
    assert [name for name in NAMES[release] if rule_of(name) is None] == []


def test_every_decision_is_about_a_setting_there_is() -> None:
    """A misspelt name would decide on nothing."""
    known = {name for names in NAMES.values() for name in names}
    assert set(RULES) <= known
    assert all(rule.reason for rule in RULES.values())


def test_a_setting_of_another_program_has_none() -> None:
    """What smtp(8) does not read, or no release has, is not decided on."""
    assert rule_of("smtpd_banner") is None
    assert rule_of("smtp_of_tomorrow") is None


def test_settings_of_each_transport_are_one_family() -> None:
    """Also those that bear the name of our own transport."""
    rule = rule_of(f"{TRANSPORT_SERVICE}_destination_rate_delay")
    assert rule is not None
    assert rule.decision is Decision.KEEP


def test_only_what_this_postfix_knows_is_set() -> None:
    """A setting of a later release is left out; what follows the release is taken from it."""
    known = {"best_mx_transport": "x", "tls_dane_digests": "sha512 sha256", "smtpd_banner": "hello"}
    assert resets(known) == {"best_mx_transport": "", "tls_dane_digests": "sha512 sha256"}


@NEEDS_POSTFIX
def test_the_running_postfix_has_no_setting_without_a_decision(tmp_path: Path) -> None:
    """Whatever release the tests run on, what smtp(8) and TLS are set by is decided on."""
    for name in ("main.cf", "master.cf"):
        (tmp_path / name).touch()
    names = PostfixInstance(tmp_path).defaults()
    assert len(names) > 800
    own = re.compile(r"(?:smtp|lmtp|tls|tlsmgr|default)_.+")
    assert [name for name in names if own.fullmatch(name) and rule_of(name) is None] == []


@NEEDS_POSTFIX
def test_the_transport_carries_each_reset(place: Place) -> None:
    """Attach sets all that is to be set and that this Postfix knows, whatever was set before."""
    place.write(
        place.stock_main + b"best_mx_transport = local\nsmtp_discard_ehlo_keywords = starttls\n",
        place.files["master.cf"].replace(
            b"       smtp\nrelay", b"       smtp\n  -o smtp_never_send_ehlo=yes\nrelay"
        ),
    )
    place.attach()
    known = place.instance.defaults()
    wanted = [name for name, rule in RULES.items() if rule.decision is Decision.RESET and name in known]
    missing = [name for name in wanted if place.override("domain-secure/unix", name) is None]
    assert missing == [name for name in wanted if is_outdated(name, known)]
    for name in ("best_mx_transport", "smtp_discard_ehlo_keywords"):
        assert place.override("domain-secure/unix", name) == ""
    assert place.override("domain-secure/unix", "smtp_never_send_ehlo") == "no"


@NEEDS_POSTFIX
def test_an_outdated_name_is_written_where_somebody_has_it_otherwise(place: Place) -> None:
    """In main.cf or on the service that the transport is a clone of; then Postfix complains of it anyway."""
    name = "smtp_cname_overrides_servername"
    place.write(place.stock_main + f"{name} = yes\n".encode(), place.files["master.cf"])
    place.attach()
    assert place.override("domain-secure/unix", name) == "no"


@pytest.mark.parametrize(
    ("release", "outdated"), [("3.7.11", False), ("3.10.5", False), ("3.11.1", True), ("3.12-20260101", True)]
)
def test_which_release_complains(release: str, *, outdated: bool) -> None:
    """From that release on, and of nothing that no release complains of."""
    known = {"mail_version": release}
    assert is_outdated("smtp_cname_overrides_servername", known) is outdated
    assert not is_outdated("best_mx_transport", known)
    assert not is_outdated("smtp_cname_overrides_servername", {})


@pytest.mark.parametrize("name", ["disable_dns_lookups", "smtp_use_tls", "smtp_enforce_tls"])
def test_what_postfix_3_9_complains_of_is_not_set(name: str) -> None:
    """DEPRECATION_README names another setting for each of them, which is set."""
    assert name not in resets(dict.fromkeys(NAMES["3.11"], ""))


def test_a_reset_says_to_what() -> None:
    """One without a value of its own is among those that our lists, our paths or the release decide."""
    without = {
        name
        for name, rule in RULES.items()
        if rule.decision is Decision.RESET and rule.value is None and not rule.as_released
    }
    assert without == {
        "smtp_delivery_status_filter",
        "smtp_dns_support_level",
        "smtp_sasl_auth_enable",
        "smtp_tls_CAfile",
        "smtp_tls_policy_maps",
        "syslog_name",
        "tlsmgr_service_name",
    }
    assert Rule(Decision.KEEP, "x").value is None

"""Which ways in lose the marks they bring, and that nothing of the administrator's goes with them."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from attach_place import STOCK_MASTER, Place

from domain_secure.policy.decision.marks import is_forged_mark
from domain_secure.postfix.attach.attachment import Request
from domain_secure.postfix.attach.unmarked import MARKS_OFF, left_out

PICKUP = b"pickup    unix  n       -       y       60      1       pickup\n"
RESULTS = "Authentication-Results"
CLEANUP = "domain-secure-unmarked"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a stock configuration with a pickup(8)."""
    made = Place(tmp_path)
    made.write(master=STOCK_MASTER + PICKUP)
    return made


def restored(place: Place) -> bool:
    """Tell whether detach, without the record, gives the former bytes, which *place* gets first."""
    before = place.files
    place.attach()
    assert not place.attach().changes
    place.record_path.unlink()
    place.detach()
    return place.files == before


def test_ways_of_users_and_programs(place: Place) -> None:
    """Submission and sendmail(1) get a cleanup(8) that takes marks off; port 25 keeps its own."""
    place.attach()
    for key in ("submission/inet", "pickup/unix"):
        assert place.override(key, "cleanup_service_name") == CLEANUP
        assert place.override(key, "receive_override_options") is None
    assert place.override("smtp/inet", "cleanup_service_name") is None
    assert place.override(f"{CLEANUP}/unix", "header_checks") == MARKS_OFF
    place.detach()
    assert restored(place)


def test_what_the_administrator_set_stays_in_force(place: Place) -> None:
    """His tables come behind ours, those of attachments hold as before, his own cleanup is cloned."""
    own = b"sub       unix  n       -       y       -       0       cleanup\n  -o header_checks=regexp:/own\n"
    master = place.files["master.cf"].replace(b"=encrypt\n", b"=encrypt\n  -o cleanup_service_name=sub\n")
    place.write(place.stock_main + b"header_checks = regexp:/all\nbody_checks = regexp:/body\n", master + own)
    place.attach()
    first, second = CLEANUP, f"{CLEANUP}-2"
    assert place.override("submission/inet", "cleanup_service_name") == first
    assert place.override(f"{first}/unix", "header_checks") == f"{MARKS_OFF}, regexp:/own"
    assert place.override("pickup/unix", "cleanup_service_name") == second
    assert place.override(f"{second}/unix", "header_checks") == f"{MARKS_OFF}, regexp:/all"
    for name, table in ((first, "/own"), (second, "/all")):
        clone = place.instance.service(f"{name}/unix")
        assert clone is not None
        values = place.instance.service_parameters(
            clone, "mime_header_checks", "nested_header_checks", "body_checks"
        )
        assert list(values.values()) == [f"regexp:{table}", f"regexp:{table}", "regexp:/body"]
    place.detach()
    assert restored(place)


@pytest.mark.parametrize(
    ("present", "left"), [("no_header_body_checks", ","), ("no_milters,no_header_body_checks", ",no_milters")]
)
def test_services_without_checks_get_ours_alone(place: Place, present: str, left: str) -> None:
    """Where filters switch checks off, only marks are looked for, and the other overrides stay."""
    option = f"  -o receive_override_options={present}\n".encode()
    place.write(
        place.stock_main + b"header_checks = regexp:/all\nbody_checks = regexp:/body\n",
        STOCK_MASTER + PICKUP + option,
    )
    place.attach()
    name = place.override("pickup/unix", "cleanup_service_name")
    assert place.override("pickup/unix", "receive_override_options") == left
    checks = ("header_checks", "mime_header_checks", "nested_header_checks", "body_checks")
    assert [place.override(f"{name}/unix", one) for one in checks] == [MARKS_OFF, "", "", ""]
    place.detach()
    assert restored(place)


@pytest.mark.parametrize(
    ("main", "master", "key", "reason"),
    [
        (b"", b"127.0.0.1:10025 inet n - y - - smtpd\n", "127.0.0.1:10025/inet", "only this host"),
        (b"content_filter = scan:x\n", b"scan unix - n n - - pipe argv=x\n", "pickup/unix", "scan:x"),
        (b"content_filter = smtp:[192.0.2.9]:25\n", b"10025 inet n - y - - smtpd\n", "10025/inet", "smtp:"),
        (b"", b"587 inet n - y - - smtpd -o smtpd_proxy_filter=127.0.0.1:9\n", "587/inet", "proxy"),
        (b"", b"628 inet n - y - - qmqpd -o cleanup_service_name=gone\n", "628/inet", "gone"),
    ],
)
def test_what_may_bring_our_own_marks_back_is_left(
    place: Place, main: bytes, master: bytes, key: str, reason: str
) -> None:
    """Behind a filter marks are ours; such a service keeps them, and says why."""
    place.write(place.stock_main + main, STOCK_MASTER + PICKUP + master)
    found = left_out(place.configuration, place.instance, ["smtp/inet"])
    assert reason in found[key]
    assert "submission/inet" not in found
    before = place.override(key, "cleanup_service_name")
    place.attach()
    assert place.override(key, "cleanup_service_name") == before


def test_ways_that_no_filter_and_no_relay_can_use_are_covered(place: Place) -> None:
    """Another port and QMQP, unless a relay of ours is trusted, which may use the port."""
    more = b"2525 inet n - y - - smtpd\n628 inet n - y - - qmqpd\n127.0.0.1:587 inet n - y - - smtpd\n"
    place.write(master=STOCK_MASTER + PICKUP + more)
    assert left_out(place.configuration, place.instance, ["smtp/inet"]) == {}
    place.attach()
    for key in ("2525/inet", "628/inet", "127.0.0.1:587/inet"):
        assert place.override(key, "cleanup_service_name") == CLEANUP


def test_trusted_services_are_left(place: Place) -> None:
    """Who names a service keeps its marks; naming it later takes our part out of it."""
    place.attach()
    inbound = replace(place.configuration.inbound, trusted_services=("pickup/unix",))
    place.configuration = replace(place.configuration, inbound=inbound)
    place.attach()
    assert place.override("pickup/unix", "cleanup_service_name") is None
    assert place.override("submission/inet", "cleanup_service_name") == CLEANUP


def test_an_unmarked_service_is_not_taken_for_attached(place: Place) -> None:
    """Attach again, and attaching submission itself, see which services the daemon is asked by."""
    place.attach()
    place.record_path.unlink()
    assert place.attach().inbound.options.keys() == {"smtp/inet"}  # type: ignore[union-attr]
    place.attach(Request(("smtp/inet", "submission/inet")))
    assert place.override("submission/inet", "cleanup_service_name") is None
    assert place.override("submission/inet", "smtpd_milters") is not None


FORGED = [
    "mx1.contoso.test; x-domain-secure=pass",
    "x-domain-secure=pass",
    '"mx2.contoso.test"; X-Domain-Secure=pass',
    "mx; dkim=pass; x-domain(c)-secure = pass",
    'mx; "x-domain\\-secure"=pass',
    "mx; x-domain\u00ad-secure=pass",
    "mx; ｘ-domain-ſecure=pass",
    "mx 1 (x; y) ; x-domain-secure/1=pass",
]
KEPT = ["mx; dkim=pass header.d=domain.secure.test", "mx; none", "mx; x-domain=pass; secure=pass"]


@pytest.mark.parametrize("value", FORGED + KEPT)
def test_table_and_milter_agree(place: Place, value: str) -> None:
    """What the milter takes off in port 25, cleanup(8) takes off here, and nothing else."""
    forged = is_forged_mark(RESULTS, value.encode())
    assert forged is (value in FORGED)
    for field in (f"{RESULTS}: {value}", f"{RESULTS.upper()} :{value}"):
        assert (looked_up(place, field.encode()) == "IGNORE") is forged
    assert looked_up(place, b"ARC-" + f"{RESULTS}: {value}".encode()) is None


@pytest.mark.parametrize("name", ["X-Domain-Secure:", "x-domain-secure : x", "X-DOMAIN-SECURE:\tpass"])
def test_the_field_itself(place: Place, name: str) -> None:
    """Whatever it says, and nothing that is only called like it."""
    assert looked_up(place, name.encode()) == "IGNORE"
    assert looked_up(place, name.replace("ecure", "ecured").replace("ECURE", "ECURED").encode()) is None


def looked_up(place: Place, field: bytes) -> str | None:
    """Return what the table says of a field."""
    command = ["postmap", "-c", str(place.directory), "-q", "-", MARKS_OFF]
    done = subprocess.run(command, input=field + b"\n", capture_output=True, check=False)
    assert not done.stderr
    found = re.search(rb"\t(\w+)$", done.stdout)
    return found[1].decode() if found else None

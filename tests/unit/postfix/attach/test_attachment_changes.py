"""Attaching and detaching where files changed meanwhile, by others or by a kill."""

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from attach_place import STOCK_MASTER, Place

from domain_secure.policy.configuration.configuration import WhenDown
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.postfix.attach.attachment import MAIN, MASTER, Plan, Request
from domain_secure.postfix.attach.certificate_plan import plan_certificates

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


def test_the_chosen_services_are_kept_when_attached_again(place: Place) -> None:
    """Without ``--service`` attach renews what is attached."""
    place.attach(Request(("submission/inet", "smtp/inet")))
    assert not place.attach().changes
    place.attach(Request(("submission/inet",)))
    assert place.override("smtp/inet", "smtpd_milters") is None
    assert not place.attach().changes
    assert place.override("submission/inet", "smtpd_milters") is not None


def test_each_half_comes_and_goes_on_its_own(place: Place) -> None:
    """``--no-send`` and ``--no-receive`` leave the other half as it is."""
    before = place.files
    place.attach(Request(send=False))
    assert place.files[MAIN] == before[MAIN]
    assert place.instance.service("domain-secure/unix") is None
    place.attach(Request(receive=False))
    both = place.files
    assert place.override("smtp/inet", "smtpd_milters") is not None
    place.detach(Request(receive=False))
    assert place.files[MAIN] == before[MAIN]
    assert place.override("smtp/inet", "smtpd_milters") is not None
    place.attach()
    assert place.files == both
    place.detach(Request(send=False))
    place.detach()
    assert place.files == before


def test_every_combination_of_halves_is_stable(place: Place) -> None:
    """Whatever the order in which halves are attached, attaching again changes nothing."""
    inbound = replace(place.configuration.inbound, when_down=WhenDown.DEFER_LISTED)
    place.configuration = replace(place.configuration, inbound=inbound)
    before = place.files
    ends = []
    for requests in itertools.permutations((Request(send=False), Request(receive=False))):
        for request in requests:
            place.attach(request)
            assert not place.attach(request).changes
        ends.append(place.files)
        place.detach()
        assert place.files == before
    assert ends[0] == ends[1]


def test_a_list_that_changed_in_main_cf_is_copied_again(place: Place) -> None:
    """A second attach brings the copy up to date, and detach brings no older list back."""
    place.attach()
    place.replace(MAIN, b"myhostname", b"smtpd_milters = unix:new\nmyhostname")
    assert place.attach().changes == (MASTER,)
    assert (place.override("smtp/inet", "smtpd_milters") or "").endswith("}, unix:new")
    place.replace(MAIN, b"unix:new", b"unix:newer")
    assert place.attach().changes == (MASTER,)
    assert (place.override("smtp/inet", "smtpd_milters") or "").endswith("}, unix:newer")
    place.detach()
    expected = place.stock_main.replace(b"myhostname", b"smtpd_milters = unix:newer\nmyhostname")
    assert place.files == {MAIN: expected, MASTER: STOCK_MASTER}


def test_a_change_between_record_and_files_is_not_lost(place: Place) -> None:
    """Killed while a copy was brought up to date, the old copy is still known for a copy."""
    place.write(place.stock_main + b"smtpd_milters = unix:old\n")
    place.attach()
    old = place.files[MASTER]
    place.replace(MAIN, b"unix:old", b"unix:new")
    place.attach()
    place.write(master=old)
    place.attach()
    assert (place.override("smtp/inet", "smtpd_milters") or "").endswith("}, unix:new")
    place.detach()
    assert place.files[MASTER] == STOCK_MASTER


@pytest.mark.parametrize("lost", [False, True])
def test_what_others_changed_meanwhile_stays(place: Place, lost: bool) -> None:
    """Detach takes out our parts alone, also when the record is lost."""
    place.attach()
    place.write(place.files[MAIN] + b"theirs = 1\n", place.files[MASTER] + b"theirs unix - - n - - smtp\n")
    if lost:
        place.record_path.unlink()
    place.detach()
    assert place.files == {
        MAIN: place.stock_main + b"theirs = 1\n",
        MASTER: STOCK_MASTER + b"theirs unix - - n - - smtp\n",
    }


def test_what_others_put_into_our_options_stays_theirs(place: Place) -> None:
    """A milter added behind ours goes on being asked."""
    place.attach()
    place.replace(MASTER, b"content_timeout=30s } }", b"content_timeout=30s }, unix:theirs }")
    place.detach()
    expected = b"smtpd\n  -o smtpd_milters=unix:theirs\n#smtp"
    assert place.files[MASTER] == STOCK_MASTER.replace(b"smtpd\n#smtp", expected)


def test_detach_after_postconf_has_rewritten_the_files(place: Place) -> None:
    """postconf(1) joins lines and moves comments; ours are still found, and nothing else is taken."""
    place.attach()
    command = ["postconf", "-c", str(place.directory)]
    for setting in (["-P", "smtp/inet/smtpd_client_port_logging=yes"], ["-F", "domain-secure/unix/chroot=n"]):
        subprocess.run([*command, *setting], check=True, capture_output=True)
        place.write()
    subprocess.run(
        [*command, "-e", "transport_maps=hash:/x, $virtual_transport_maps"], check=True, capture_output=True
    )
    place.write()
    place.detach()
    assert b"domain-secure" not in place.files[MASTER] + place.files[MAIN]
    assert place.override("smtp/inet", "smtpd_client_port_logging") == "yes"
    assert place.override("smtp/inet", "smtpd_tls_ask_ccert") is None
    assert place.instance.unexpanded("transport_maps") == "hash:/x, $virtual_transport_maps"
    theirs = {service.key for service in place.instance.services()}
    assert theirs == {
        "smtp/inet",
        "submission/inet",
        "cleanup/unix",
        "tlsmgr/unix",
        "smtp/unix",
        "relay/unix",
    }


def _killed(place: Place, action: Callable[[Place], Plan]) -> Iterator[dict[str, bytes]]:
    """Yield the files as they are when *action* is killed after its record and before each next step."""
    before = place.files
    plan = action(place)
    for done in range(len(plan.current)):
        names = list(plan.current)[:done]
        yield {name: plan.after[name] if name in names else before[name] for name in before}


@pytest.mark.parametrize("next_step", [Place.attach, Place.detach])
def test_what_a_killed_attach_left_is_mended(place: Place, next_step: Callable[[Place], Plan]) -> None:
    """Whichever files were replaced, the next attach or detach ends as if nothing had happened."""
    before = place.files
    states = list(_killed(place, Place.attach))
    attached, record = place.files, place.record_path.read_bytes()
    for state in states:
        place.write(state[MAIN], state[MASTER])
        place.record_path.parent.mkdir(mode=0o700, exist_ok=True)
        place.record_path.write_bytes(record)
        next_step(place)
        assert place.files == (attached if next_step is Place.attach else before)


@pytest.mark.parametrize("next_step", [Place.attach, Place.detach])
def test_what_a_killed_detach_left_is_mended(place: Place, next_step: Callable[[Place], Plan]) -> None:
    """The record is still there, and each file is compared with it on its own."""
    before = place.files
    place.attach()
    attached, record = place.files, place.record_path.read_bytes()
    for state in list(_killed(place, Place.detach)):
        place.write(state[MAIN], state[MASTER])
        place.record_path.parent.mkdir(mode=0o700, exist_ok=True)
        place.record_path.write_bytes(record)
        next_step(place)
        assert place.files == (attached if next_step is Place.attach else before)


def test_a_record_others_could_write_gives_no_contents(place: Place) -> None:
    """The daemon's user must not choose what root writes into Postfix's files."""
    before = place.files
    place.attach()
    place.record_path.write_text(place.record_path.read_text().replace("myhostname", "injected"))
    place.record_path.chmod(0o666)
    place.detach()
    assert place.files == before


def test_a_socket_that_was_moved_is_not_asked_any_more(place: Place) -> None:
    """The record knows the former one."""
    place.configuration = replace(place.configuration, milter_socket="inet:9000@127.0.0.1")
    place.attach()
    place.configuration = replace(place.configuration, milter_socket=None)
    place.attach()
    assert "9000" not in (place.override("smtp/inet", "smtpd_milters") or "9000")
    place.detach()
    assert place.files[MASTER] == STOCK_MASTER


def test_certificates_and_attach_leave_each_others_order(place: Place) -> None:
    """Whichever runs when, the second round changes nothing: not after an edit, nor without the record."""
    files = {role: place.folder / "state/keys/enabled" / f"{role}.pem" for role in Role}
    files[Role.SERVER].parent.mkdir(parents=True)
    for path in files.values():
        path.touch()

    def changed() -> list[str]:
        attached = place.attach().changes
        plan = plan_certificates(place.configuration, place.instance, files)
        place.carry_out(plan)
        return [*attached, *plan.changes]

    before = place.files
    place.attach()
    for role in Role:
        place.carry_out(plan_certificates(place.configuration, place.instance, {role: files[role]}))
        assert not place.attach().changes
    assert changed() == []
    place.write(place.files[MAIN] + b"# theirs\n")
    assert changed() == []
    place.record_path.unlink()
    assert changed() == []
    place.write(place.files[MAIN] + b"transport_maps = hash:/x\n")
    assert changed() == [MAIN]
    assert changed() == []
    place.detach()
    assert place.files[MAIN] == before[MAIN] + b"# theirs\ntransport_maps = hash:/x\n"

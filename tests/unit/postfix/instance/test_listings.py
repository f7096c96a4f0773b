"""What postconf listed is given again only while nothing of what it follows from has changed."""

import os
import shutil
from pathlib import Path

import pytest
from attach_place import Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.listings import is_remembering, remembering

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


@pytest.fixture
def starts(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in front of postconf that writes a line for each start."""
    folder = place.folder / "bin"
    folder.mkdir()
    counted = place.folder / "starts"
    counted.touch()
    program = folder / "postconf"
    program.write_text(f'#!/bin/sh\necho "$*" >>{counted}\nexec {shutil.which("postconf")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return counted


def count(starts: Path) -> int:
    """Return how often postconf was started."""
    return len(starts.read_text().splitlines())


def test_all_parameters_are_one_start(place: Place, starts: Path) -> None:
    """Also for services that override nothing, and for master.cf; one block within another is one."""
    with remembering():
        for name in ("myhostname", "queue_directory", "mail_owner"):
            place.instance.parameter(name)
        with remembering():
            place.instance.parameters("relayhost", "mynetworks", "no_such_parameter")
            place.instance.services()
        place.instance.services()
    assert not is_remembering()
    # Effective values, the unknown name, and master.cf.
    assert count(starts) == 3


def test_outside_nothing_is_remembered(place: Place, starts: Path) -> None:
    """Each question is asked."""
    with remembering():
        place.instance.parameter("myhostname")
    place.instance.parameter("myhostname")
    place.instance.parameter("myhostname")
    assert count(starts) == 3


def test_a_change_of_either_file_is_seen(place: Place) -> None:
    """Also of the same length and with the same time of modification."""
    with remembering():
        assert place.instance.parameter("myhostname") == "mx1.contoso.test"
        assert place.instance.service("mine/unix") is None
        place.write(place.stock_main.replace(b"mx1", b"mx2"))
        assert place.instance.parameter("myhostname") == "mx2.contoso.test"
        place.replace("master.cf", b"smtp      unix", b"mine unix - - n - - smtp\nsmtp      unix")
        assert place.instance.service("mine/unix") is not None


@pytest.mark.usefixtures("starts")
def test_another_program_is_asked_anew(place: Place) -> None:
    """After an update of Postfix the defaults may be others."""
    with remembering():
        place.instance.parameter("myhostname")
        (place.folder / "bin" / "postconf").write_text("#!/bin/sh\necho myhostname = new\n")
        assert place.instance.parameter("myhostname") == "new"


def test_every_value_is_as_if_asked_alone(place: Place) -> None:
    """References, values over several lines, parameters of the administrator's, of services, legacy ones."""
    place.write(
        place.stock_main + b"mine = unix:a,\n  unix:b\nsmtpd_milters = $mine\nrelayhost = a = b\n"
        b"virtual_maps = static:x\nsmtpd_restriction_classes = own\nown = reject\n"
        b"virtual_alias_maps = ldap:tree\ntree_server_host = there\n"
    )
    names = [
        *place.instance.parameters(),
        "own",
        "tree_server_host",
        "virtual_maps",
        "relay_destination_rate_delay",
    ]
    names = sorted({*names[::25], *names[-4:], "mine", "smtpd_milters", "relayhost"} - {"process_id"})
    alone = {name: place.instance.parameters(name) for name in names}
    as_written = {name: place.instance.unexpanded(name, "none") for name in names}
    with remembering():
        assert {name: place.instance.parameters(name) for name in names} == alone
        assert {name: place.instance.unexpanded(name, "none") for name in names} == as_written
    assert alone["virtual_maps"] == {"virtual_maps": "static:x"}
    assert alone["smtpd_milters"] == {"smtpd_milters": "unix:a, unix:b"}


def test_one_that_cannot_be_expanded_hides_no_other(place: Place) -> None:
    """Its own question fails, as it does alone."""
    place.write(place.stock_main + b"ring = $circle\ncircle = $ring\n")
    with remembering():
        assert place.instance.parameter("myhostname") == "mx1.contoso.test"
        with pytest.raises(Problem, match="macro"):
            place.instance.parameter("circle")


def test_overrides_of_a_service_are_a_list_of_their_own(place: Place, starts: Path) -> None:
    """Two services with the same overrides share one."""
    place.replace("master.cf", b"smtpd\n#smtp", b"smtpd -o myhostname=other.test\n#smtp")
    with remembering():
        service = place.instance.service("smtp/inet")
        assert service is not None
        assert place.instance.service_parameter(service, "myhostname") == "other.test"
        assert place.instance.service_parameters(service, "relayhost", "mydomain")["mydomain"] == "test"
        assert place.instance.parameter("myhostname") == "mx1.contoso.test"
    assert count(starts) == 3

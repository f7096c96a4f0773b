"""Asking Postfix's programs: an answer is an answer, and silence is a Problem."""

import shutil
from pathlib import Path

import pytest
from attach_place import Place

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.programs import PostfixInstance

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


def test_parameters_are_effective_and_expanded(place: Place) -> None:
    """Defaults and references are resolved; a name unknown to this Postfix is left out."""
    place.write(place.stock_main + b"mine = unix:a,\n  unix:b\nsmtpd_milters = $mine\n")
    values = place.instance.parameters("smtpd_milters", "header_checks", "no_such_parameter")
    assert values == {"smtpd_milters": "unix:a, unix:b", "header_checks": ""}
    assert place.instance.unexpanded("smtpd_milters") == "$mine"
    assert place.instance.parameter("no_such_parameter", "x") == "x"
    with pytest.raises(Problem, match="no_such_parameter"):
        place.instance.parameter("no_such_parameter")


def test_services_see_their_overrides_also_by_reference(place: Place) -> None:
    """An option counts where another parameter refers to it; of two the last counts."""
    place.write(place.stock_main + b"smtpd_milters = $mine\nmine = unix:main\n")
    place.replace("master.cf", b"smtpd\n#smtp", b"smtpd -o mine=unix:x -o { mine = unix:y }\n#smtp")
    service = place.instance.service("smtp/inet")
    assert service is not None
    assert service.chroot
    assert service.overrides == {"mine": "unix:y"}
    assert place.instance.service_parameter(service, "smtpd_milters") == "unix:y"
    assert place.instance.service_unexpanded(service, "smtpd_milters") == "$mine"
    relay = place.instance.service("relay/unix")
    assert relay is not None
    assert place.instance.service_parameter(relay, "syslog_name") == "postfix/relay"
    assert place.instance.service("none/unix") is None


def test_of_two_entries_of_a_service_the_last_counts(place: Place) -> None:
    """Nothing of the earlier one is left, options and program included, as in master(8)."""
    place.replace(
        "master.cf",
        b"smtpd\n#smtp",
        b"smtpd -o mine=unix:x\nsmtp inet n - n - - postscreen -o foo=bar\n#smtp",
    )
    service = place.instance.service("smtp/inet")
    assert service is not None
    assert (service.program, service.chroot, service.overrides) == ("postscreen", False, {"foo": "bar"})
    assert [one.key for one in place.instance.services()].count("smtp/inet") == 1


def test_defaults_are_told_apart_from_values(place: Place) -> None:
    """What nobody set, whatever main.cf says; nothing of a parameter that there is not."""
    assert place.instance.parameter("myhostname") != place.instance.default("myhostname")
    assert place.instance.default("smtp_tls_mandatory_protocols").startswith(">=")
    assert place.instance.default("no_such_parameter") == ""


def test_found_missing_and_broken_differ(place: Place) -> None:
    """A table that does not answer is not a table without the key."""
    kind = place.instance.parameter("default_database_type")
    source = place.folder / "table"
    source.write_text("a.test one two\nb.test x\na.test again\n")
    assert any("duplicate" in line for line in place.instance.compile_map(kind, source))
    assert place.instance.query(f"{kind}:{source}", ["A.test", "c.test"]) == {"A.test": "one two"}
    assert place.instance.query(f"{kind}:{source}", ["c.test"]) == {}
    assert place.instance.query(f"{kind}:{source}", []) == {}
    for table in (f"{kind}:{place.folder}/none", "fail:it", "nonsense:it"):
        with pytest.raises(Problem) as raised:
            place.instance.query(table, ["a.test"])
        assert raised.value.status is ExitStatus.NO_ANSWER
    with pytest.raises(ValueError, match="spans lines"):
        place.instance.query(f"{kind}:{source}", ["a\nb"])
    with pytest.raises(Problem):
        place.instance.compile_map("nonsense", source)


def test_a_directory_without_postfix_is_named(tmp_path: Path) -> None:
    """The operator reads which directory was looked at."""
    with pytest.raises(Problem, match=str(tmp_path)) as raised:
        _ = PostfixInstance(tmp_path).mail_owner
    assert raised.value.status is ExitStatus.WRONG_USE


def test_a_program_that_is_not_installed_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Postfix there is no answer."""
    monkeypatch.setattr("domain_secure.postfix.instance.processes.SYSTEM_PATHS", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Problem, match="postconf was not found") as raised:
        _ = place.instance.mail_owner
    assert raised.value.status is ExitStatus.NO_ANSWER


def test_a_program_that_hangs_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table may wait for a server for ever."""
    folder = place.folder / "bin"
    folder.mkdir()
    (folder / "postconf").write_text("#!/bin/sh\nexec sleep 30\n")
    (folder / "postconf").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("domain_secure.postfix.instance.processes.TIMEOUT", 0.2)
    with pytest.raises(Problem, match="did not end within"):
        _ = place.instance.mail_owner

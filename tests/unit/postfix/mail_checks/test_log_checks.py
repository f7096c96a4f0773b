"""The doctor on Postfix's log."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from configurations import make_configuration
from scratch_postfix import make_scratch

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_folder
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.mail_checks.log_checks import check_log, may_read

USER, GROUP = 64001, 64002

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")


@pytest.fixture
def instance(tmp_path: Path) -> PostfixInstance:
    """Return a Postfix that logs to a file of its own."""
    tmp_path.chmod(0o755)
    make_scratch(tmp_path)
    with (tmp_path / "postfix" / "main.cf").open("a") as main:
        main.write(f"maillog_file = {tmp_path}/mail.log\nmaillog_file_prefixes = {tmp_path}\n")
    return PostfixInstance(tmp_path / "postfix")


def configuration(*domains: str, log: str = "auto") -> Configuration:
    """Return a configuration with a send list."""
    return make_configuration(send=DomainList.of(*domains), postfix_log=log)


def words(instance: PostfixInstance, *domains: str, log: str = "auto") -> list[str]:
    """Return what is found."""
    return [finding.word for finding in check_log(configuration(*domains, log=log), instance)]


def test_nothing_is_asked_without_a_send_list(instance: PostfixInstance) -> None:
    """Who sends to no listed domain needs no log."""
    assert words(instance) == []


def test_a_log_that_is_not_there(instance: PostfixInstance) -> None:
    """It may come with the first message."""
    assert words(instance, "woodgrovebank.test") == ["log-missing"]


def test_a_log_that_cannot_be_read_back(instance: PostfixInstance) -> None:
    """As in a container that logs to its standard output."""
    with (instance.config_directory / "main.cf").open("a") as main:
        main.write("maillog_file = /dev/stdout\n")
    assert words(instance, "woodgrovebank.test") == ["log-unknown"]


def test_a_log_for_root_alone(instance: PostfixInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding says what to do about it; a readable one is none."""
    if state_folder.daemon_user() is None:
        monkeypatch.setattr(state_folder, "USER", "nobody")
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "mail.log"
        log.write_text("")
        log.chmod(0o644)
        with (instance.config_directory / "main.cf").open("a") as main:
            main.write(f"maillog_file = {log}\n")
        assert "log-unreadable" not in words(instance, "woodgrovebank.test")
        log.chmod(0o600)
        (finding,) = check_log(configuration("woodgrovebank.test"), instance)
    assert finding.word == "log-unreadable"
    assert "0600" in finding.proof
    assert "postfix logrotate" in finding.fix or "maillog_file_permissions" in finding.fix


def test_a_log_that_postfix_does_not_write(instance: PostfixInstance, tmp_path: Path) -> None:
    """A file left over from a syslog daemon that is gone."""
    log = tmp_path / "other.log"
    log.write_text("")
    os.utime(log, (0, 0))
    pid = instance.queue_directory / "pid"
    pid.mkdir(parents=True, exist_ok=True)
    (pid / "master.pid").write_text("1\n")
    assert "log-stale" in words(instance, "woodgrovebank.test", log=str(log))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", []),
        ("Nov 25 19:23:15 mail postfix/qmgr[7]: 10B773D: removed\n", []),
        ("Nov 25 19:23:15 [postfix/qmgr] 10B773D: removed\n", ["log-not-understood"]),
        ("Nov 25 19:23:15 mail kernel: up\n", []),
    ],
)
def test_a_form_that_is_not_known(
    instance: PostfixInstance, tmp_path: Path, content: str, found: list[str]
) -> None:
    """Somebody's own template, for one, by which no delivery is counted."""
    log = tmp_path / "syslog"
    log.write_text(content)
    log.chmod(0o644)
    told = words(instance, "woodgrovebank.test", log=str(log))
    assert [word for word in told if word != "log-unreadable"] == found


def test_mail_that_moves_and_is_not_logged(instance: PostfixInstance, tmp_path: Path) -> None:
    """The queue's folder changes with each message; the log did not."""
    log = tmp_path / "syslog"
    log.write_text("")
    now = time.time()
    os.utime(log, (now - 500, now - 500))
    active, pid = instance.queue_directory / "active", instance.queue_directory / "pid" / "master.pid"
    for folder in (active, pid.parent):
        folder.mkdir(parents=True, exist_ok=True)
    os.utime(active, (now - 300, now - 300))
    assert "log-stale" not in words(instance, "woodgrovebank.test", log=str(log))
    pid.touch()
    os.utime(pid, (now - 501, now - 501))
    for moved, expected in ((now - 480, False), (now - 300, True), (now, False)):
        os.utime(active, (moved, moved))
        assert ("log-stale" in words(instance, "woodgrovebank.test", log=str(log))) is expected


def test_a_log_that_the_next_rotation_closes(
    instance: PostfixInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody opened the file by hand; what Postfix makes next is root's, unless the folder hands it on."""
    if state_folder.daemon_user() is None:
        monkeypatch.setattr(state_folder, "USER", "nobody")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = folder / "mail.log"
        log.write_text("")
        log.chmod(0o644)
        knows = "maillog_file_permissions" in instance.parameters("maillog_file_permissions")
        with (instance.config_directory / "main.cf").open("a") as main:
            main.write(f"maillog_file = {log}\n" + "maillog_file_permissions = 0640\n" * knows)
        (finding,) = check_log(configuration("woodgrovebank.test"), instance)
        assert finding.word == "log-closes"
        assert ("install -d -g adm -m 2750" in finding.fix) is knows
        shutil.chown(folder, group="adm")
        folder.chmod(0o2755)
        assert (words(instance, "woodgrovebank.test") == []) is knows


@pytest.mark.parametrize(
    ("mode", "owner", "group", "expected"),
    [
        (0o644, 0, 0, True),
        (0o640, 0, 0, False),
        (0o640, 0, GROUP, True),
        (0o604, 0, GROUP, False),
        (0o400, USER, 0, True),
        (0o044, USER, GROUP, False),
    ],
)
def test_modes(tmp_path: Path, mode: int, owner: int, group: int, expected: bool) -> None:
    """The first of owner, group and others that applies decides alone."""
    log = tmp_path / "log"
    log.write_text("")
    os.chown(log, owner, group)
    log.chmod(mode)
    os.chown(tmp_path, USER, GROUP)
    tmp_path.chmod(0o700)
    above = [folder for folder in tmp_path.parents if not folder.stat().st_mode & 0o001]
    groups = {GROUP, *(folder.stat().st_gid for folder in above)}
    if all(folder.stat().st_mode & 0o011 for folder in above):
        assert may_read(log, USER, groups) == expected
    tmp_path.chmod(0o600)
    assert not may_read(log, USER, groups)

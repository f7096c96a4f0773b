"""The doctor's questions about Postfix's log, from which the outbound counters come.

Must not know: how it is read.
Sources: postconf(5) maillog_file and maillog_file_permissions, systemd-journald.service(8), Debian's rsyslog.
"""

import grp
import os
import pwd
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_folder
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.log.log_location import LogLocation, log_location
from domain_secure.postfix.log.log_standing import forms_of
from domain_secure.postfix.log_lines.log_line import LINE, decoded, parse_stamp

#: What the service unit adds to the daemon's groups.
_UNIT_GROUPS = ("adm", "systemd-journal")
_SILENCE_SECONDS, _AT_ONCE_SECONDS = 60.0, 5.0
_LOG_FOLDER = "/var/log/postfix"  #: as proposed; it hands its group on to what is made in it
_JOURNALS = (Path("/var/log/journal"), Path("/run/log/journal"))


def check_log(configuration: Configuration, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield what keeps the daemon from reading the log; nothing when no domain is on the send list.

    Raises PermissionError where only root may look.
    """
    if not configuration.send:
        return
    try:
        location = log_location(configuration, instance)
    except Problem as problem:
        yield Finding.error(
            "log-unknown", f"no delivery is counted: {problem.what}", problem.where, problem.fix
        )
        return
    if location.file is None:
        yield from _check_journal(location, instance)
    elif not location.file.exists():
        yield Finding.warning(
            "log-missing",
            "Postfix's log is not there, so that no delivery is counted yet",
            f"{location.file} ({location.why})",
            "send a message; if the file does not come, name the right one: [postfix] log",
        )
    else:
        yield from _check_file(location.file, instance)
        yield from _check_content(location, instance)


def may_read(path: Path, user: int, groups: Collection[int]) -> bool:
    """Tell whether a user who is not root may read a file, by the modes of all that is above it."""
    needed = [(folder, stat.S_IXUSR) for folder in path.resolve().parents]
    return all(
        _is_granted(_Access.of(one.stat()), bit, user, groups) for one, bit in [*needed, (path, stat.S_IRUSR)]
    )


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may do what with a file."""

    owner: int
    group: int
    mode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Access":
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))

    def __str__(self) -> str:
        return f"mode {self.mode:04o}, owner {self.owner}:{self.group}"


def _is_granted(access: _Access, owner_bit: int, user: int, groups: Collection[int]) -> bool:
    shift = 0 if access.owner == user else 3 if access.group in groups else 6
    return bool(access.mode & (owner_bit >> shift))


def _check_file(file: Path, instance: PostfixInstance) -> Iterator[Finding]:
    if user := state_folder.daemon_user():
        groups = _groups(user)
        following = _next_file(file, instance)
        if not may_read(file, user.pw_uid, groups):
            yield Finding.error(
                "log-unreadable",
                f"the user {user.pw_name} cannot read Postfix's log, so that no delivery is counted",
                f"{file}: {_Access.of(file.stat())}",
                _how_to_open(file, instance, groups),
            )
        elif following and not _is_granted(following, stat.S_IRUSR, user.pw_uid, groups):
            yield Finding.warning(
                "log-closes",
                f"after the next postfix logrotate the user {user.pw_name} cannot read Postfix's log",
                f"{file}: a new one gets {following}",
                _how_to_open(file, instance, groups),
            )


def _next_file(file: Path, instance: PostfixInstance) -> _Access | None:
    """Return who may read the next file that postlogd(8) makes, as root; None where a syslog daemon does."""
    values = instance.parameters("maillog_file", "maillog_file_permissions")
    if values.get("maillog_file") != str(file):
        return None
    folder = file.parent.stat()
    group = folder.st_gid if folder.st_mode & stat.S_ISGID else 0
    # Releases that do not know the parameter leave it to root alone.
    return _Access(0, group, int(values.get("maillog_file_permissions", "0600"), 8))


def _check_content(location: LogLocation, instance: PostfixInstance) -> Iterator[Finding]:
    """Yield what the end of the log shows: a form that is not known, or a silence while mail moves."""
    with closing(location.open(None)) as source:
        lines = source.read().lines
    forms = forms_of(lines, location.syslog_names)
    if forms.strange and not forms.known:
        yield Finding.error(
            "log-not-understood",
            "Postfix's log has a form that is not known, so that no delivery is counted",
            f"{location}: a line begins with {forms.example!r}",
            "let it be written in a form that docs/operation.md names, or have the journal read: "
            '[postfix] log = "journal"',
        )
    yield from _check_silence(location, _started(instance), _last_logged(location, lines))


def _check_silence(location: LogLocation, started: float | None, logged: float) -> Iterator[Finding]:
    """Yield a finding where Postfix did what it logs, and nothing was written."""
    if started is None:
        return
    fix = 'see where Postfix logs to, and name it: [postfix] log = "journal", or a file'
    moved = location.last_activity()
    if location.file is not None and logged < started - 1:
        yield Finding.warning(
            "log-stale",
            "nothing was written to the log since Postfix started, which logs its start",
            f"{location}: last written to {_moment(logged)}; Postfix started {_moment(started)}",
            fix,
        )
    # Before the start the folder may have been made, and no mail moved.
    elif (
        moved is not None
        and moved > max(started + _AT_ONCE_SECONDS, logged + _SILENCE_SECONDS)
        and time.time() - moved > _AT_ONCE_SECONDS
    ):
        yield Finding.warning(
            "log-stale",
            "mail moved through Postfix's queue, and nothing was written to the log since",
            f"{location}: last written to {_moment(logged)}; "
            f"{location.queue_directory}/active: {_moment(moved)}",
            fix,
        )


def _started(instance: PostfixInstance) -> float | None:
    """Return when Postfix was started, by the clock; None where it never was."""
    path = instance.queue_directory / "pid" / "master.pid"
    return path.stat().st_mtime if path.exists() else None


def _last_logged(location: LogLocation, lines: Sequence[bytes]) -> float:
    """Return when the log was last written to, by the clock; 0 for one that is empty."""
    if location.file is not None:
        return location.file.stat().st_mtime
    for line in reversed(lines):
        if header := LINE.match(line):
            with suppress(ValueError):
                return parse_stamp(decoded(header["stamp"]), datetime.now(UTC)).timestamp()
    return 0.0


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds") if seconds else "never"


def _how_to_open(file: Path, instance: PostfixInstance, groups: Collection[int]) -> str:
    now = f"chgrp adm {file} && chmod 640 {file}"
    following = _next_file(file, instance)
    if following is None:
        return f"run {now}, and let what rotates it make it so (logrotate(8), create 640 root adm)"
    if "maillog_file_permissions" not in instance.parameters("maillog_file_permissions"):
        return f"run {now} now and after each postfix logrotate, which makes the new file for root alone"
    if following.group in groups:
        return f"run postconf -e maillog_file_permissions=0640 && postfix reload && {now}"
    # Not 0644: that would show every user of the machine who writes to whom.
    return (
        f"run install -d -g adm -m 2750 {_LOG_FOLDER} && postconf -e maillog_file={_LOG_FOLDER}/mail.log "
        "maillog_file_permissions=0640 && postfix reload: each new file there belongs to a group that the "
        "daemon is in"
    )


def _check_journal(location: LogLocation, instance: PostfixInstance) -> Iterator[Finding]:
    if any(folder.is_dir() for folder in _JOURNALS):
        yield from _check_content(location, instance)
        return
    yield Finding.error(
        "log-missing",
        "Postfix seems to log to the journal, and there is none, so that no delivery is counted",
        f"{location.why}; no {' and no '.join(map(str, _JOURNALS))}",
        "let Postfix write a file: postconf -e maillog_file=/var/log/mail.log, then postfix reload",
    )


def _groups(user: pwd.struct_passwd) -> frozenset[int]:
    known = {group.gr_name: group.gr_gid for group in grp.getgrall()}
    unit = (known[name] for name in _UNIT_GROUPS if name in known)
    return frozenset((*os.getgrouplist(user.pw_name, user.pw_gid), *unit))

"""The doctor's questions about Postfix's log, from which the outbound counters come.

Must not know: how it is read.
Sources: postconf(5) maillog_file and maillog_file_permissions, systemd-journald.service(8), Debian's rsyslog.
"""

import grp
import os
import pwd
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_folder
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.log.log_location import LogLocation, log_location

#: What the service unit adds to the daemon's groups.
_UNIT_GROUPS = ("adm", "systemd-journal")
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
        yield from _check_journal(location)
    elif not location.file.exists():
        yield Finding.warning(
            "log-missing",
            "Postfix's log is not there, so that no delivery is counted yet",
            f"{location.file} ({location.why})",
            "send a message; if the file does not come, name the right one: [postfix] log",
        )
    else:
        yield from _check_file(location.file, instance)


def may_read(path: Path, user: int, groups: Collection[int]) -> bool:
    """Tell whether a user who is not root may read a file, by the modes of all that is above it."""
    needed = [(folder, stat.S_IXUSR) for folder in path.resolve().parents]
    return all(_is_granted(one.stat(), bit, user, groups) for one, bit in [*needed, (path, stat.S_IRUSR)])


def _is_granted(status: os.stat_result, owner_bit: int, user: int, groups: Collection[int]) -> bool:
    shift = 0 if status.st_uid == user else 3 if status.st_gid in groups else 6
    return bool(status.st_mode & (owner_bit >> shift))


def _check_file(file: Path, instance: PostfixInstance) -> Iterator[Finding]:
    if (user := state_folder.daemon_user()) and not may_read(file, user.pw_uid, _groups(user)):
        status = file.stat()
        yield Finding.error(
            "log-unreadable",
            f"the user {user.pw_name} cannot read Postfix's log, so that no delivery is counted",
            f"{file}: mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}:{status.st_gid}",
            _how_to_open(file, instance),
        )
    started = instance.queue_directory / "pid" / "master.pid"
    # Postfix logs its start, so that a file that is older is not where it logs to.
    if started.exists() and file.stat().st_mtime < started.stat().st_mtime - 1:
        yield Finding.warning(
            "log-stale",
            "nothing was written to the log since Postfix started, which logs its start",
            str(file),
            'see where Postfix logs to, and name it: [postfix] log = "journal", or a file',
        )


def _how_to_open(file: Path, instance: PostfixInstance) -> str:
    now = f"chgrp adm {file} && chmod 640 {file}"
    if instance.parameter("maillog_file", "") != str(file):
        return f"run {now}, and let what rotates it make it so (logrotate(8), create 640 root adm)"
    if "maillog_file_permissions" in instance.parameters("maillog_file_permissions"):
        return f"run postconf -e maillog_file_permissions=0644 and chmod 644 {file}"
    return f"run {now} now and after each postfix logrotate, which makes the new file for root alone"


def _check_journal(location: LogLocation) -> Iterator[Finding]:
    folders = [folder for folder in _JOURNALS if folder.is_dir()]
    if not folders:
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

"""A machine: a root of Debian with its own systemd as process 1, in namespaces of its own.

Owns: how it is booted, how commands run on it, how it is powered off.  Must not know: the product.
Its network is the loopback interface, with 203.0.113.1 to 203.0.113.9 besides 127.0.0.1; so whatever it needs
is installed before.  It ends with the process that booted it, by whatever death.
Sources: systemd.io/CONTAINER_INTERFACE, cgroups(7), pivot_root(2), nsenter(1), systemd-run(1).
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from .debian_root import UnavailableError
from lab.waiting import wait_for

#: Programs without which nothing is booted.
PROGRAMS = ("ip", "mount", "nsenter", "setpriv", "unshare")
ADDRESSES = tuple(f"203.0.113.{number}" for number in range(1, 10))

_BOOT_SECONDS = 240.0
_POWER_OFF_SECONDS = 120.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UP = ("running", "degraded")
_NAMESPACES = ("mount", "pid", "net", "uts", "ipc", "cgroup")

_FIRST_PROCESS = """
set -e
mount --make-rprivate /
root=$1
shift
echo machine >/proc/sys/kernel/hostname
ip link set lo up
for address; do
    ip address add "$address/32" dev lo
done
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
pivot_root . mnt
cd /
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
"""
# The group is entered before the namespace of groups is made, so that it is the root of what is seen inside.
_ENTER_GROUP = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'


class Machine:
    """A root that can be booted, used and powered off, again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._group = _group_of_machines() / f"domain-secure-{os.getpid()}-{root.name}"
        self._log = root.with_name(f"{root.name}.log")
        self._holder: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether its first process has not ended."""
        return self._holder is not None and self._holder.poll() is None

    def boot(self) -> None:
        """Boot, and return when all that is to start has started."""
        assert not self.is_running
        self._group.mkdir(exist_ok=True)
        unshare = ["unshare", "--fork", "--kill-child", *(f"--{one}" for one in _NAMESPACES), "--mount-proc"]
        inner = ["sh", "-c", _FIRST_PROCESS, "machine", str(self.root), *ADDRESSES]
        with self._log.open("ab") as log:
            self._holder = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "sh", "-c", _ENTER_GROUP, "group", str(self._group)),
                    *(*unshare, *inner),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._is_up, "systemd to be up", deadline=_BOOT_SECONDS, context=self._log.read_text)

    def power_off(self) -> None:
        """Shut down in order, and return when the last process has ended."""
        assert self._holder is not None
        if self.is_running:
            self.run("systemctl", "poweroff", check=False)
        self._holder.wait(_POWER_OFF_SECONDS)
        self._remove_group()

    def close(self) -> None:
        """End everything at once, running or not."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
            wait_for(self._remove_group, "the machine's processes to end")
        self._log.unlink(missing_ok=True)

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on it as root, beside its services.

        Raises AssertionError where it fails and *check* is set.
        """
        done = subprocess.run(
            [*self._entry(), *map(str, command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def run_as_service(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as a service of its systemd, as a machine's own programs run."""
        settings = [f"--setenv={name}={value}" for name, value in variables.items()]
        service = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--property=TasksMax=infinity"]
        return self.run(*service, *settings, "--", *command, check=False)

    def copy_in(self, source: Path, destination: Path) -> None:
        """Copy a file or a folder to a path on the machine, running or not."""
        target = self.root / destination.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)

    def _entry(self) -> list[str]:
        pid = self._first_process()
        assert pid is not None, f"the machine does not run\n{self._log.read_text()}"
        namespaces = [f"--{one}" for one in _NAMESPACES]
        environment = ["env", "-i", f"PATH={_PATH}", "HOME=/root", "LANG=C.UTF-8"]
        return ["nsenter", f"--target={pid}", *namespaces, "--root", "--wd=/", "--", *environment]

    def _first_process(self) -> int | None:
        if not self.is_running:
            return None
        assert self._holder is not None
        path = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        children = path.read_text().split()
        return int(children[0]) if children else None

    def _is_up(self) -> bool:
        assert self.is_running, f"it ended at once\n{self._log.read_text()}"
        pid = self._first_process()
        if pid is None or Path(f"/proc/{pid}/comm").read_text() != "systemd\n":
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in _UP

    def _remove_group(self) -> bool:
        """Remove the group of its processes with those below it; tells whether it is gone."""
        for folder, _, _ in os.walk(self._group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        return not self._group.exists()


def _group_of_machines() -> Path:
    """Return the hierarchy of control groups in which machines get theirs; raises UnavailableError."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    found = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    if not found:
        raise UnavailableError("no cgroup2 hierarchy is mounted")
    probe = found[0] / f"domain-secure-probe-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise UnavailableError(
            f"the cgroup2 hierarchy {found[0]} cannot be written: {error.strerror}"
        ) from error
    return found[0]


def check_machines_can_run() -> None:
    """Raise UnavailableError with the reason where no machine can run here."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise UnavailableError("needs root on Linux")
    _group_of_machines()

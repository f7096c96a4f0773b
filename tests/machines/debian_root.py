"""Bare roots of Debian, made once and kept: what a machine of the tests begins as.

Owns: the folder they are kept in, and the work done in a root that does not run.  Must not know: the product.
They lie in ``$XDG_CACHE_HOME/domain-secure-machines``, or in ``/var/cache/domain-secure-machines``; to have
them made anew, remove that folder.  Each is made aside and renamed when it is whole.
Packages come from the mirror that the host's apt asks, by the host's proxies and authorities.
Sources: debootstrap(8), apt-get(8) indextargets, unshare(1).
"""

import hashlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path

#: Programs without which no root is made.
PROGRAMS = ("debootstrap", "setpriv", "unshare", "apt-get")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "domain-secure-machines"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What a machine has besides what Debian calls essential.
_BARE = "ca-certificates,dbus,iproute2,procps,systemd,systemd-sysv"
_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
#: How the host's programs reach what they fetch from.
_WAYS = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_HOST = Path("/run/host")
_COPIES = itertools.count(1)
_NO_ANSWER = 3  #: with which commands of ours end where something outside did not answer

# What is mounted goes with the namespace; so does /run, which holds what the host lends.
_CHROOT = """
set -e
mount --make-rprivate /
root=$1 lent=$2 wheels=$3
shift 3
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir "$root/run/host" "$root/run/lock" "$root/run/host/wheels"
cp "$lent"/* "$root/run/host/"
[ -z "$wheels" ] || mount --bind "$wheels" "$root/run/host/wheels"
for file in /etc/resolv.conf /etc/hosts; do
    [ -e "$root$file" ] || : >"$root$file"
    mount --bind "$file" "$root$file"
done
exec chroot "$root" "$@"
"""


class UnavailableError(Exception):
    """No root can be made, or none can be booted, here; the reason is not the product's."""


def bare(suite: str) -> Path:
    """Return the bare root of a *suite*, made where it is not there; raises UnavailableError."""
    return kept(CACHE / suite / "bare", lambda root: _bootstrap(suite, root))


def with_packages(suite: str, name: str, packages: list[str], *commands: str) -> Path:
    """Return the root *name* of a *suite*: the bare one with *packages*, after shell *commands* ran in it.

    It is kept until what it is made of changes; raises UnavailableError.
    """
    below = bare(suite)

    def make(root: Path) -> None:
        _copy(below, root)
        install(root, *packages)
        for command in commands:
            done = _entered(root, "sh", "-ec", command)
            if done.returncode:
                raise UnavailableError(f"`{command}`: {_last_words(done)}")

    digest = hashlib.sha256("\n".join([*packages, *commands]).encode()).hexdigest()[:12]
    path = CACHE / suite / f"{name}-{digest}"
    former = [other for other in path.parent.glob(f"{name}-*") if other.suffix == "" and other != path]
    root = kept(path, make)
    for other in former:
        _remove_unused(other)
    return root


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """Yield a copy of a *root*, removed afterwards."""
    runs = CACHE / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.iterdir():
        if not Path(f"/proc/{left.name.partition('-')[0]}").exists():
            shutil.rmtree(left)
    # One process may have several copies of one root.
    copy = runs / f"{os.getpid()}-{next(_COPIES)}-{root.parent.name}-{root.name}"
    with _lock(root).open("w") as lock:
        # Another checkout may want it otherwise, and remove this one.
        flock(lock, LOCK_SH)
        _copy(root, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def install(root: Path, *packages: str, options: tuple[str, ...] = ()) -> None:
    """Install *packages* into a root that does not run; no service is started.  Raises UnavailableError."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *options, *packages]
    try:
        if not any((root / "var/lib/apt/lists").glob("*_Packages*")) or _entered(root, *command).returncode:
            # What the lists name may be gone from the mirror by now.
            for step in (["apt-get", "update", "-q"], command):
                done = _entered(root, *step)
                if done.returncode:
                    raise UnavailableError(f"`{' '.join(step)}`: {_last_words(done)}")
    finally:
        policy.unlink()


def enter(root: Path, *command: str | Path, **variables: str) -> str:
    """Run a command as root in a *root* that does not run, with the host's network, and return what it said.

    Raises UnavailableError where something outside did not answer it; where it fails otherwise, an
    AssertionError with what it said.
    """
    done = _entered(root, *map(str, command), variables=variables)
    if done.returncode == _NO_ANSWER:
        raise UnavailableError(_last_words(done))
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def mirror() -> str:
    """Return the address of the first archive of Debian that the host's apt asks; raises UnavailableError."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        label, _, address = line.partition(" ")
        if label == "Debian":
            return address
    raise UnavailableError("the host's apt knows no mirror of Debian (`apt-get update` fetches its lists)")


def _bootstrap(suite: str, root: Path) -> None:
    script = next(path for path in (_SCRIPTS / suite, _SCRIPTS / "sid") if path.exists())
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={_BARE}",
        suite,
        str(root),
        mirror(),
        str(script),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment({}))
    if done.returncode:
        raise UnavailableError(f"debootstrap: {_last_words(done)}")


def kept(path: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder *path*, made by *make* where it is not there; several processes may ask at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path).open("w") as lock:
        flock(lock, LOCK_EX)
        if not path.exists():
            partial = path.with_name(f"{path.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            make(partial)
            partial.rename(path)
    return path


def _remove_unused(root: Path) -> None:
    with _lock(root).open("w") as lock, suppress(BlockingIOError):
        flock(lock, LOCK_EX | LOCK_NB)
        shutil.rmtree(root)


def _lock(root: Path) -> Path:
    return root.with_name(f"{root.name}.lock")


def _copy(root: Path, copy: Path) -> None:
    subprocess.run(["cp", "--archive", "--reflink=auto", root, copy], check=True)


@dataclass(frozen=True)
class _Lent:
    """What the host lends to a root, below /run/host in it."""

    folder: Path

    def write(self) -> None:
        """Copy how the host's apt and pip reach what they fetch."""
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
        asked = ("Acquire::http", "Acquire::https", "Acquire::Check-")
        lines = [line for line in dump.splitlines() if line.startswith(asked)]
        if _AUTHORITIES.exists():
            shutil.copyfile(_AUTHORITIES, self.folder / "authorities.pem")
            lines.append(f'Acquire::https::CAInfo "{_HOST / "authorities.pem"}";')
        (self.folder / "apt.conf").write_text("\n".join(lines) + "\n")
        configuration = Path("/etc/pip.conf")
        (self.folder / "pip.conf").write_text(configuration.read_text() if configuration.exists() else "")


def _entered(
    root: Path, *command: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    wheels = os.environ.get("PIP_FIND_LINKS", "")
    wheels = wheels if Path(wheels).is_dir() else ""
    lent = root.with_name(f"{root.name}.lent")
    lent.mkdir(exist_ok=True)
    _Lent(lent).write()
    # What runs in the root ends with us, by whatever death.
    until_we_end = ["setpriv", "--pdeathsig", "KILL"]
    namespaces = [*until_we_end, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    try:
        return subprocess.run(
            [*namespaces, "sh", "-c", _CHROOT, "chroot", str(root), str(lent), wheels, *command],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(variables or {}),
            stdin=subprocess.DEVNULL,
        )
    finally:
        shutil.rmtree(lent)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command in a root: the host's ways to what is fetched, and nothing else."""
    host = os.environ
    ways = {name: value for name, value in host.items() if name.lower() in _WAYS}
    pip = {name: value for name, value in host.items() if name.startswith("PIP_")}
    if Path(pip.get("PIP_FIND_LINKS", "")).is_dir():
        pip["PIP_FIND_LINKS"] = str(_HOST / "wheels")
    authorities = dict.fromkeys(
        ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if _AUTHORITIES.exists() else (),
        str(_HOST / "authorities.pem"),
    )
    return {
        "PATH": _PATH,
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "APT_CONFIG": str(_HOST / "apt.conf"),
        "PIP_CONFIG_FILE": str(_HOST / "pip.conf"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **ways,
        **pip,
        **authorities,
        **variables,
    }


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()
    errors = [line for line in lines if line.startswith("E:")] or lines
    return errors[-1] if errors else f"status {done.returncode}"

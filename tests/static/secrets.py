"""Keys, tokens and passphrases of known bytes stay where they were put: looked for in everything else.

Owns: the secrets, a story that makes commands and the daemon use them, and the places that are searched:
arguments and environments of every process while it runs, what commands print, logs, pages, files, and what a
daemon leaves that dies of SIGABRT.  A secret is looked for as it is, in hexadecimal, base64 and as in a URL.
"""

import base64
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec

from lab.laboratory import CONTOSO, LOOPBACK, PROGRAMS, WOODGROVE, Lab
from lab.namespaces import Namespaces, missing_programs
from lab.postfix_host import DEFAULT_LAYOUT
from lab.product import CONFIGURATION, STATE, USER, Product
from promises import Promise

PART = "secrets"
TOKEN = "token-of-known-bytes-73910a"
WRONG_TOKEN = "wrong-token-of-known-bytes-5d21"
PASSPHRASE = "passphrase of known bytes & more 8e44"
WORK = Path("/run/lab/work")
TOKEN_FILE = CONFIGURATION.parent / "page.token"
_SHORT = 12  #: octets; a shorter piece would be found by chance
_PAUSE = 0.002
_KINDS = {
    "cmdline": "arguments of a process",
    "environ": "environments",
    "output": "what a command printed",
    "log": "logs",
    "page": "answers of the page",
    "file": "files meant for others",
}
_READING = (
    ("status", "--json"),
    ("status",),
    ("check", "--json"),
    ("check",),
    ("cert", "list", "--json"),
    ("cert", "list"),
    ("connector", "list", "--json"),
    ("partner", "show", WOODGROVE, "--json"),
    ("pending", "--json"),
    ("report", "--json"),
    ("log", "show", "--json"),
    ("config", "test", "--json"),
    ("agreement", "export"),
    ("partner", "invite", WOODGROVE),
    ("explain", WOODGROVE),
)


@dataclass
class Secrets:
    """What must not be found, by name, in each form that somebody might write it."""

    forms: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, name: str, secret: bytes) -> None:
        """Look for a secret of these octets."""
        wanted = {secret, secret.hex().encode(), secret.hex().upper().encode(), quote(secret).encode()}
        # Within a longer text base64 begins at one of three places; what the neighbours touch is left out.
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + secret)
            wanted.add(coded[(4 if shift else 0) : len(coded) - 4])
        self.forms.setdefault(name, set()).update(one for one in wanted if len(one) >= _SHORT)

    def add_key(self, name: str, pem: bytes, key: object) -> None:
        """Look for a private key, by the lines of its file that hold it and by its number."""
        lines = pem.split(b"-----")[2].split()
        # The first line of a small key says of what kind it is, and is the same for all.
        self.forms.setdefault(name, set()).update(line for line in lines[1:-1] if len(line) >= _SHORT)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            self.add(name, key.private_numbers().private_value.to_bytes(32, "big"))

    def found_in(self, text: bytes) -> set[str]:
        """Return the names of those that stand in a text."""
        return {name for name, forms in self.forms.items() if any(form in text for form in forms)}


@dataclass
class Seen:
    """What was searched so far, and where a secret was found."""

    secrets: Secrets
    searched: dict[str, int] = field(default_factory=dict)
    found: list[tuple[str, str]] = field(default_factory=list)

    def look(self, kind: str, where: str, text: bytes | str) -> None:
        """Search a text; *kind* is what it is counted under."""
        raw = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        self.searched[kind] = self.searched.get(kind, 0) + 1
        self.found += [(kind, f"{name} in {where}") for name in sorted(self.secrets.found_in(raw))]


@contextmanager
def watched_processes(where: Namespaces, texts: dict[tuple[str, bytes], str]) -> Iterator[None]:
    """Note arguments and environment of every process inside while the block runs."""
    over = threading.Event()
    folder = where.outside("/proc")

    def note() -> None:
        while not over.wait(_PAUSE):
            for process in folder.iterdir():
                if process.name.isdecimal():
                    for kind in ("cmdline", "environ"):
                        with suppress(OSError):
                            texts.setdefault((kind, (process / kind).read_bytes()), process.name)

    watcher = threading.Thread(target=note)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def why_not() -> str | None:
    """Return why it cannot run here, or None."""
    if os.geteuid() != 0:
        return "it needs root"
    missing = missing_programs(PROGRAMS)
    return f"not installed: {', '.join(missing)}" if missing else None


def measure(quick: bool) -> list[Promise]:
    """Play the story and search; the short form reads by fewer commands."""
    secrets = Secrets()
    seen = Seen(secrets)
    texts: dict[tuple[str, bytes], str] = {}
    with Lab() as lab:
        product = Product(lab)
        with watched_processes(lab.namespaces, texts):
            _play(lab, product, seen, _READING[: 5 if quick else None])
        for kind, text in texts:
            seen.look(kind, text[:60].decode(errors="replace"), text)
        cores = _cores(lab, product)
        _search_logs(lab, product, seen)
        modes = _search_files(lab, seen)
    return [*found(PART, seen, _KINDS), *cores, *modes]


def _play(lab: Lab, product: Product, seen: Seen, reading: tuple[tuple[str, ...], ...]) -> None:
    """Give the product each secret, let it use them, and search what it says."""
    outside = lab.namespaces.outside

    def put(path: Path, content: bytes) -> Path:
        outside(path.parent).mkdir(exist_ok=True)
        outside(path).write_bytes(content)
        outside(path).chmod(0o640)
        lab.namespaces.run("chgrp", USER, path)
        return path

    def command(*arguments: str | Path) -> None:
        done = product.command(*arguments, check=False)
        seen.look("output", f"`{' '.join(map(str, arguments))}`", done.stdout + done.stderr)

    seen.secrets.add("token", TOKEN.encode())
    seen.secrets.add("wrong token", WRONG_TOKEN.encode())
    seen.secrets.add("passphrase", PASSPHRASE.encode())
    for domain, issued in lab.identities.items():
        seen.secrets.add_key(f"key of {domain}", issued.key_pem, issued.key)
    product.install(WOODGROVE)
    product.stop()
    put(TOKEN_FILE, f"{TOKEN}\n".encode())
    password = put(WORK / "password", f"{PASSPHRASE}\n".encode())
    wrong = put(WORK / "wrong", f"{PASSPHRASE} not\n".encode())
    own = put(WORK / "own.pem", lab.identities[CONTOSO].pem(key=True))
    product.write(f'{product.text()}\n[metrics]\ntoken_file = "{TOKEN_FILE}"\n')
    product.serve()
    thumbprint = lab.identities[CONTOSO].fingerprint
    command("cert", "request", "--domain", CONTOSO, "--out", WORK / "a.csr")
    command("cert", "import", own, "--exportable", "--json")
    command("cert", "export", thumbprint, "--out", WORK / "x.pfx", "--password-file", password)
    command("cert", "import", WORK / "x.pfx", "--password-file", wrong)
    command("cert", "import", WORK / "x.pfx", "--password-file", password, "--force", "--json")
    command("cert", "import", password)
    command("cert", "show", thumbprint, "--json")
    # Files that are something else, so that an error message may be tempted to quote them.
    command("partner", "cert", "add", WOODGROVE, own)
    command("partner", "cert", "add", WOODGROVE, password)
    command("--config", password, "status")
    command("--config", own, "check")
    for arguments in reading:
        command(*arguments)
    for token in (TOKEN, WRONG_TOKEN, ""):
        for path in ("/", "/metrics", "/healthz", f"/{token}", f"/?token={token}"):
            seen.look("page", f"{path} of the page", _page(product, path, token))


def _page(product: Product, path: str, token: str) -> bytes:
    credentials = base64.b64encode(f"ann:{token}".encode()).decode()
    with closing(HTTPConnection(LOOPBACK, product.place.metrics_port, timeout=30)) as connection:
        with product.lab.namespaces.network():
            connection.connect()
        connection.request("GET", quote(path, safe="/?="), headers={"Authorization": f"Basic {credentials}"})
        answer = connection.getresponse()
        head = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
        # What was asked for may be named in the answer to who asked.
        return head.encode() + answer.read().replace(quote(path).encode(), b"")


def _cores(lab: Lab, product: Product) -> list[Promise]:
    """Let the daemon die as of a fault, wherever it may write to."""
    process = lab.namespaces.outside(f"/proc/{_inner(product)}")
    limits = (process / "limits").read_text()
    (line,) = [one for one in limits.splitlines() if one.startswith("Max core file size")]
    size = " ".join(line.split()[4:6])
    product._running.signal(signal.SIGABRT)
    product._running.wait(30)
    places = (lab.namespaces.outside(place) for place in (STATE, "/run/lab", "/var/spool/postfix"))
    cores = [path for place in places for path in place.rglob("core*") if path.is_file()]
    return [
        Promise(PART, "size of a core file: now, and at most", "0 0", size, size == "0 0"),
        Promise(PART, "core files after SIGABRT", "0", str(len(cores)), not cores),
    ]


def _inner(product: Product) -> str:
    """Return the daemon's process id, as counted inside."""
    for line in Path(f"/proc/{product.pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1]
    raise LookupError("NSpid")


def _search_logs(lab: Lab, product: Product, seen: Seen) -> None:
    seen.look("log", "the daemon's log", product.log())
    seen.look("log", "Postfix's log", lab.contoso.complete_log())
    for path in sorted(lab.namespaces.outside("/var/log").rglob("*")):
        if path.is_file() and not path.is_symlink():
            seen.look("log", path.name, path.read_bytes())


def _search_files(lab: Lab, seen: Seen) -> list[Promise]:
    """Search what the product has written, and look who may read and write it."""
    open_to_all, loose = [], []
    secret_files = 0
    folders = (CONFIGURATION.parent, STATE, DEFAULT_LAYOUT.queue / "domain-secure")
    roots = [lab.namespaces.outside(folder) for folder in folders]
    paths = [path for root in roots for path in (root, *sorted(root.rglob("*")))]
    for path in paths:
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            continue
        if mode & (stat.S_IWOTH | stat.S_ISUID) or (mode & stat.S_IWGRP and stat.S_ISREG(status.st_mode)):
            loose.append(f"{path.name} {mode:04o}")
        if not stat.S_ISREG(status.st_mode):
            continue
        names = seen.secrets.found_in(path.read_bytes())
        secret_files += bool(names)
        allowed = stat.S_IRWXU | (stat.S_IRGRP if path.name == TOKEN_FILE.name else 0)
        if names and mode & ~allowed:
            open_to_all.append(f"{path.name} {mode:04o}")
    made = lab.namespaces.outside(WORK)
    for path in (made / "x.pfx", made / "a.csr"):
        seen.look("file", path.name, path.read_bytes())
    pfx = stat.S_IMODE((made / "x.pfx").lstat().st_mode)
    return [
        Promise(PART, "files that hold a secret and that others may read", "0",
                "; ".join(open_to_all) or f"0 of {secret_files}", not open_to_all and secret_files > 0),
        Promise(PART, "files, folders and sockets that others may write", "0",
                "; ".join(loose) or f"0 of {len(paths)}", not loose),
        Promise(PART, "mode of an exported PFX", "0600", f"{pfx:04o}", pfx == 0o600),
    ]  # fmt: skip


def found(part: str, seen: Seen, kinds: dict[str, str]) -> list[Promise]:
    """Return a promise for each kind of place; one where nothing was searched is not held."""
    return [
        Promise(
            part,
            f"secrets in {what}",
            "0",
            "; ".join(dict.fromkeys(where for one, where in seen.found if one == kind))
            or f"0 in {seen.searched.get(kind, 0)}",
            seen.searched.get(kind, 0) > 0 and all(one != kind for one, _ in seen.found),
        )
        for kind, what in kinds.items()
    ]

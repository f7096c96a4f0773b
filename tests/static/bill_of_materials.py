"""``./dev sbom``: what an installation consists of, as CycloneDX has it, made from what the packages say.

Owns: which packages there are, by the lock file of this Python; their licences, and which of them may be
distributed with the product.
Sources: CycloneDX 1.6, PEP 639 (License-Expression), Core metadata specifications, package-url.
"""

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).parents[2]
NAME = "postfix-domain-secure"
SPECIFICATION = "1.6"

#: What goes together with the product, which as a whole is distributed under version 3 of the GPL.
COMPATIBLE = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "GPL-2.0-or-later",
        "GPL-3.0-or-later",
        "ISC",
        "LGPL-2.1-or-later",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Zlib",
    }
)
# What packages without an expression write; of the last the file of its licence says which it is.
_WRITTEN = {
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "BSD-like": "Zlib",
}
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_DEPENDENCY = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Component:
    """One package of an installation: where it is pinned, and what it says of itself."""

    name: str
    version: str
    digests: tuple[str, ...]  #: SHA-256 of every file of this release
    licence: str  #: an SPDX expression, or what the package says where that is none
    needs: tuple[str, ...]  #: names of others that it asks for

    @property
    def reference(self) -> str:
        """Return its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"

    @property
    def is_compatible(self) -> bool:
        """Tell whether its licence is known, and lets it be distributed with the product."""
        choices = (re.split(r"\s+AND\s+", one) for one in re.split(r"\s+OR\s+", self.licence))
        return any(all(part.strip("() ") in COMPATIBLE for part in parts) for parts in choices)


def components(lock: Path | None = None) -> tuple[Component, ...]:
    """Return the packages that *lock* pins, by default the lock file of this Python.

    Raises PackageNotFoundError where one is not installed here, and ValueError where another version is.
    """
    lock = lock or ROOT / "requirements" / f"python{sys.version_info.major}.{sys.version_info.minor}.txt"
    pinned = dict(_pinned(lock))
    return tuple(_component(name, version, digests) for name, (version, digests) in pinned.items())


def document(parts: tuple[Component, ...], moment: datetime) -> dict[str, Any]:
    """Return the bill of materials as of *moment*; the same parts give the same document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = f"pkg:pypi/{NAME}@{project['version']}"
    names = {part.name for part in parts}
    direct = {_plain(_DEPENDENCY.match(line)) for line in project["dependencies"]}
    references = {part.name: part.reference for part in parts}
    listed = [{"ref": own, "dependsOn": sorted(references[name] for name in direct & names)}]
    listed += [
        {"ref": part.reference, "dependsOn": sorted(references[name] for name in part.needs if name in names)}
        for part in parts
    ]
    content = {
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": NAME,
                "version": project["version"],
                "purl": own,
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": [_entry(part) for part in parts],
        "dependencies": listed,
    }
    serial = uuid5(NAMESPACE_URL, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": SPECIFICATION, "serialNumber": f"urn:uuid:{serial}"}
    return {**head, "version": 1, **content}


def licence_of(said: PackageMetadata) -> str:
    """Return the licence that a package's metadata name."""
    values = {key.lower(): value for key, value in said.items() if key.lower().startswith("license")}
    if expression := values.get("license-expression"):
        return expression
    classifiers = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or [] if "License" in one]
    written = [values.get("license", "").strip(), *classifiers]
    known = [_WRITTEN.get(one, one) for one in written if one]
    return next((one for one in known if one in COMPATIBLE), known[0] if known else "unknown")


def main() -> None:
    """Write it into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), UTC)
    file = folder / f"{NAME}.cdx.json"
    file.write_text(json.dumps(document(components(), moment), indent=1) + "\n")
    print(file)


def _pinned(lock: Path) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Yield each package that a lock file pins: its name, version and digests."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text("utf-8")):
        if match := _PINNED.match(block):
            yield _plain(match[1]), (match[2], tuple(_DIGEST.findall(block)))


def _component(name: str, version: str, digests: tuple[str, ...]) -> Component:
    said = metadata(name)
    if said["Version"] != version:
        raise ValueError(f"{name} {said['Version']} is installed, and {version} is pinned")
    asked = (line for line in said.get_all("Requires-Dist") or [] if "extra ==" not in line)
    needs = (_plain(_DEPENDENCY.match(line)) for line in asked)
    return Component(name, version, digests, licence_of(said), tuple(sorted(set(needs))))


def _entry(part: Component) -> dict[str, Any]:
    page = f"https://pypi.org/project/{part.name}/{part.version}/"
    licence = {"expression": part.licence} if part.is_compatible else {"license": {"name": part.licence}}
    hashes = [{"alg": "SHA-256", "content": digest} for digest in part.digests]
    return {
        "type": "library",
        "bom-ref": part.reference,
        "name": part.name,
        "version": part.version,
        "purl": part.reference,
        "licenses": [licence],
        "externalReferences": [{"type": "distribution", "url": page, "hashes": hashes}],
    }


def _plain(name: str | re.Match[str] | None) -> str:
    """Return the name of a package in its normal form (PEP 503)."""
    text = name if isinstance(name, str) else name[0] if name else ""
    return re.sub(r"[-_.]+", "-", text).lower()


if __name__ == "__main__":
    main()

"""What the section ``[metrics]`` says of who may ask, and what must not stand there alone.

Invariant: a listener beyond loopback has TLS and a token, and one that lets anything be changed has a token,
or there is no configuration.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from domain_secure.policy.toml.faults import Faults

from .configuration import WebAccess

_FILES = ("cert_file", "key_file", "token_file")


def check_web_access(values: Mapping[str, Any], faults: Faults) -> None:
    """Add a fault for each key that is missing beside the others."""
    host = values["listen"][0]
    if host != "localhost" and not ip_address(host).is_loopback:
        missing = [key for key in _FILES if values[key] is None]
        if missing:
            what = f"{host} is not a loopback address, and {', '.join(missing)} are not set"
            faults.add(("metrics", "listen"), what, f"set {', '.join(_FILES)}, or a loopback address")
    elif (values["cert_file"] is None) != (values["key_file"] is None):
        present = "key_file" if values["cert_file"] is None else "cert_file"
        faults.add(("metrics", present), "certificate and key go together", "set cert_file and key_file")
    if values["allow_changes"] and values["token_file"] is None:
        what = "without a token everybody on this machine could change something"
        faults.add(("metrics", "allow_changes"), what, "set token_file, or take allow_changes out")


def web_access(folder: Path, values: Mapping[str, Any]) -> WebAccess:
    """Return who may ask; relative paths start at *folder*."""
    files = {key: folder / values[key] for key in _FILES if values[key] is not None}
    return WebAccess(**files, host_names=values["host_names"], allow_changes=values["allow_changes"])

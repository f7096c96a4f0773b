"""The fields of a Configuration that come from one key or one section each.

Must not know: what may stand behind a key.
"""

import os
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .configuration import Inbound, Reflector, Retention, Store, Trust
from .web_access import web_access


def from_sections(
    folder: Path, values: dict[str, dict[str, Any]], document: dict[str, Any]
) -> dict[str, Any]:
    """Return the fields of a Configuration that come from one key or one section each.

    folder: of the configuration file, to which paths are relative.  values: by section and key, checked.
    document: the file as it was read.
    """
    trust, inbound = values["trust"], values["inbound"]
    return {
        "mode": values[""]["mode"],
        "on_failure": values["receive"]["on_failure"],
        "receive_hold_back": values["receive"]["hold_back"],
        "send_hold_back": values["send"]["hold_back"],
        "trust": Trust(
            ca_file=folder / trust["ca_file"],
            ca_file_is_default="ca_file" not in document.get("trust", {}),
            client_purpose=trust["client_purpose"],
            revocation=trust["revocation"],
            common_name=trust["common_name"],
            crl_files=tuple(folder / name for name in trust["crl_files"]),
            fetch_private=trust["fetch_private"],
            revocation_refresh=trust["revocation_refresh"],
            distrusted=frozenset(trust["distrusted"]),
            expiry_warning=timedelta(seconds=trust["expiry_warning"]),
        ),
        "inbound": Inbound(**inbound),
        "direct": values["outbound"]["direct"],
        "config_directory": folder / values["postfix"]["config_directory"],
        "postfix_log": values["postfix"]["log"],
        "outbound_tables": values["outbound"]["tables"],
        "give_up": values["outbound"]["give_up"],
        "self_proof": values["selfproof"]["enabled"],
        "self_proof_interval": values["selfproof"]["interval"],
        "metrics_listen": values["metrics"]["listen"],
        "metrics_access": web_access(folder, values["metrics"]),
        "state": folder / values["paths"]["state"],
        "log_receive": values["log"]["receive"],
        "log_send": values["log"]["send"],
        "log_services": MappingProxyType(dict(values["log"]["services"])),
        "history": Retention(**values["history"]),
        "reflector": Reflector(**values["reflector"]),
        "milter_socket": values["milter"]["socket"],
        "policy_socket": values["policy_service"]["socket"],
        "store": _store(folder, values["store"]),
    }


def _store(folder: Path, values: dict[str, Any]) -> Store:
    files = ("ca_file", "cert_file", "key_file", "password_file", "signing_key_file")
    paths = {key: folder / values[key] for key in files if values[key] is not None}
    # etcd's own tools take a host name as the name of a member, too.
    return Store(**values | {"node": values["node"] or os.uname().nodename} | paths)

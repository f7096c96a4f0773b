"""Ask the running daemon over HTTP, as the configuration says that it listens."""

import ssl
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from domain_secure.policy.configuration.configuration import WebAccess
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem

_SECONDS = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what may be configured
_OPEN = WebAccess()


class DaemonAway(Problem):
    """Nobody listens where the daemon would: none runs."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the daemon's metrics."""

    name: str
    labels: dict[str, str]
    value: float


def health(address: tuple[str, int], access: WebAccess = _OPEN) -> dict[str, Any]:
    """Return the document at ``/healthz``; raises Problem where nobody answers."""
    document: dict[str, Any] = parse_json(_get(address, access, "/healthz"))
    return document


def samples(address: tuple[str, int], access: WebAccess = _OPEN) -> tuple[Sample, ...]:
    """Return every sample at ``/metrics``; raises Problem where nobody answers."""
    text = _get(address, access, "/metrics").decode()
    return tuple(
        Sample(sample.name, dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


def _get(address: tuple[str, int], access: WebAccess, path: str) -> bytes:
    url = f"{'https' if access.cert_file else 'http'}://{address[0]}:{address[1]}{path}"
    try:
        headers = {}
        if access.token_file:
            headers["Authorization"] = f"Bearer {access.token_file.read_text().strip()}"
        with closing(_connection(address, access)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
    except PermissionError as error:
        raise NoPermission("no permission to ask the daemon", str(error.filename)) from error
    except (OSError, HTTPException, ValueError) as error:
        kind = DaemonAway if isinstance(error, ConnectionRefusedError) else Problem
        raise kind(
            f"the daemon does not answer ({getattr(error, 'strerror', None) or error})",
            url,
            "start it with `systemctl start domain-secure` or `domain-secure serve`, and read its log",
            ExitStatus.NO_ANSWER,
        ) from error
    if answer.status == HTTPStatus.UNAUTHORIZED:
        fix = "restart the daemon after changing [metrics] token_file"
        raise Problem("the daemon wants another token", url, fix, ExitStatus.NO_ANSWER)
    return body


def _connection(address: tuple[str, int], access: WebAccess) -> HTTPConnection:
    host = _EVERYWHERE.get(address[0], address[0])
    if access.cert_file is None:
        return HTTPConnection(host, address[1], timeout=_SECONDS)
    # The file itself says what must be shown; it may be for any name, of any authority.
    context = ssl.create_default_context(cafile=str(access.cert_file))
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return HTTPSConnection(host, address[1], timeout=_SECONDS, context=context)

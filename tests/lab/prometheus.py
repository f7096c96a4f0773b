"""A real Prometheus in the laboratory, with the alert rules as they are shipped.

Owns: its configuration, and what is asked of it.
"""

import json
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .laboratory import LOOPBACK, Lab
from .waiting import DEADLINE

PROGRAMS = (PROMETHEUS, PROMTOOL) = "prometheus", "promtool"
RULES = Path(__file__).parents[2] / "docs" / "prometheus" / "rules.yml"

_PORT = 9090
_FOLDER = Path("/run/lab/prometheus")


class Prometheus:
    """Scrapes the daemon every second; ends with the laboratory."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        outside = lab.namespaces.outside(_FOLDER)
        outside.mkdir()
        configuration = {
            "global": {
                # An answer that is late is none, and a busy machine is slow.
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": "domain-secure", "static_configs": [{"targets": ["127.0.0.1:9797"]}]}
            ],
        }
        # JSON is YAML.
        (outside / "prometheus.yml").write_text(json.dumps(configuration))
        self._process = lab.namespaces.start(
            PROMETHEUS,
            f"--config.file={_FOLDER / 'prometheus.yml'}",
            f"--storage.tsdb.path={_FOLDER / 'data'}",
            f"--web.listen-address={LOOPBACK}:{_PORT}",
            "--log.level=warn",
            output=outside / "log",
        )

    def query(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of each series that *expression* yields now; none while nobody answers."""
        answer = self._get(f"/api/v1/query?query={quote(expression)}")
        return [found["metric"] for found in answer["data"]["result"]] if answer else []

    def firing(self) -> dict[str, set[str]]:
        """Return the alerts that fire, each with the domains or names it is about."""
        alerts: dict[str, set[str]] = {}
        for labels in self.query('ALERTS{alertstate="firing"}'):
            about = labels.get("domain") or labels.get("name") or labels["instance"]
            alerts.setdefault(labels["alertname"], set()).add(about)
        return alerts

    def log(self) -> str:
        """Return what it printed."""
        return self._lab.namespaces.outside(_FOLDER / "log").read_text()

    def _get(self, path: str) -> dict[str, Any] | None:
        with closing(HTTPConnection(LOOPBACK, _PORT, timeout=DEADLINE)) as connection:
            try:
                with self._lab.namespaces.network():
                    connection.connect()
            except ConnectionError:
                return None
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
            # It listens before it is ready to answer.
            return json.loads(content) if answer.status == HTTPStatus.OK else None

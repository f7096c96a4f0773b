"""``/metrics`` and ``/healthz`` over a real socket."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.http_server import Health, HttpServer
from domain_secure.milter.metrics import Metrics
from domain_secure.policy.decision import NOT_LISTED, decide
from domain_secure.policy.evidence import Evidence
from domain_secure.policy.problems import Problem

from unit.policy.builders import NOW, claim, configuration, known, session

HEALTH: Health = {"healthy": True}


@pytest.fixture
def served() -> Iterator[tuple[Metrics, str]]:
    """Run a server on a free port."""
    metrics = Metrics()
    server = HttpServer(("127.0.0.1", 0), metrics.exposition, lambda: HEALTH)
    server.start()
    yield metrics, server.address
    server.stop()


def get(address: str, path: str) -> tuple[HTTPResponse, bytes]:
    """Return response and body."""
    connection = HTTPConnection(address, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def samples(body: bytes) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and its label values, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_metrics_follow_the_decisions(served: tuple[Metrics, str]) -> None:
    """Received, refused and unlisted messages are counted by list entry and verdict."""
    metrics, address = served
    rules = configuration()
    metrics.observe(NOT_LISTED, 0.0)
    metrics.observe(decide([claim()], Evidence(session(), known("woodgrovebank.test")), rules, NOW), 0.001)
    metrics.observe(decide([claim()], Evidence(session(tls_version=None), None), rules, NOW), 0.001)
    response, body = get(address, "/metrics")
    counted = samples(body)
    assert response.status == 200
    assert counted["domain_secure_messages_received_total", "woodgrovebank.test"] == 1
    assert counted["domain_secure_inbound_refusals_total", "woodgrovebank.test", "no-tls"] == 1
    assert counted["domain_secure_decisions_total", "none", "none"] == 1
    assert counted["domain_secure_decisions_total", "pkix", "pass"] == 1
    assert counted["domain_secure_decision_seconds_count",] == 2
    metrics.forget_unlisted(frozenset({"woodgrovebank.test"}), frozenset())
    assert not [key for key in samples(get(address, "/metrics")[1]) if "woodgrovebank.test" in key]


def test_health_is_one_document(served: tuple[Metrics, str]) -> None:
    """``/healthz`` says whether the daemon is well, by status and by document."""
    response, body = get(served[1], "/healthz")
    assert (response.status, json.loads(body)) == (200, HEALTH)
    assert get(served[1], "/etc/passwd")[0].status == 404


def test_a_port_in_use_is_explained(served: tuple[Metrics, str]) -> None:
    """The message names the setting."""
    host, _, port = served[1].partition(":")
    with pytest.raises(Problem, match=r"metrics\.listen"):
        HttpServer((host, int(port)), bytes, lambda: HEALTH)

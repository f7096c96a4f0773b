"""When certificates end, for the alarm."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.knowledge.certificate_dates import certificate_dates
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.book.certificate_book import IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates

from lab.certificates import Authority
from unit.policy.builders import WOODGROVE, configuration

NOW = datetime.now(UTC).replace(microsecond=0)


def test_partner_certificate_that_ends_last_counts(tmp_path: Path) -> None:
    """A renewed certificate takes the alarm off; a stranger's certificate raises none."""
    authority = Authority.create("Laboratory Authority")
    book = CertificateBook(tmp_path / "certificates.sqlite")
    for names, days in (((WOODGROVE,), 5), (("mail.woodgrovebank.test",), 80), (("evil.test",), 400)):
        issued = authority.issue(names[0], dns_names=names, not_after=NOW + timedelta(days=days))
        book.add(read_certificates(issued.certificate_pem), IMPORT, WOODGROVE, NOW)
    rules = configuration(state=tmp_path)
    assert list(certificate_dates(book, rules)) == [("partner", WOODGROVE, NOW + timedelta(days=80))]


def test_metric_follows() -> None:
    """What is no longer there disappears from the metrics."""
    metrics = Metrics()
    metrics.set_certificate_dates([("client", "mail.contoso.test", NOW), ("partner", WOODGROVE, NOW)])
    metrics.set_certificate_dates([("partner", WOODGROVE, NOW)])
    samples = [
        sample
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name == "domain_secure_certificate_not_after_timestamp_seconds"
    ]
    assert [(sample.labels, sample.value) for sample in samples] == [
        ({"role": "partner", "name": WOODGROVE}, NOW.timestamp())
    ]

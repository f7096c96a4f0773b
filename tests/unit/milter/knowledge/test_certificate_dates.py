"""When certificates end, for the alarm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.knowledge.certificate_dates import certificate_dates
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.book.certificate_book import IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.certificates.expiry import CertificateDate, Expiry
from domain_secure.policy.certificates.path_validation import TrustAnchors

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
    live = Live(configuration(state=tmp_path), TrustAnchors.load(authority.certificate_pem))
    end = NOW + timedelta(days=80)
    assert list(certificate_dates(book, live, NOW)) == [
        CertificateDate("partner", WOODGROVE, end, Expiry.LASTS)
    ]


def test_metric_follows() -> None:
    """What is no longer there disappears from the metrics; of one name the first to end is told."""
    metrics = Metrics()
    day = timedelta(days=1)
    ours = CertificateDate("client", "mail.contoso.test", NOW, Expiry.ENDED)
    partners = CertificateDate("partner", WOODGROVE, NOW + day, Expiry.ENDS_VERY_SOON)
    metrics.certificates.set_dates([ours, partners])
    metrics.certificates.set_dates([partners, replace(partners, ends=NOW + 99 * day, expiry=Expiry.LASTS)])
    samples = {
        sample.name.removeprefix("domain_secure_certificate_"): (sample.labels, sample.value)
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name.startswith("domain_secure_certificate_")
    }
    labels = {"role": "partner", "name": WOODGROVE}
    assert samples == {
        "not_after_timestamp_seconds": (labels, (NOW + day).timestamp()),
        "expiry": (labels, 2),
    }

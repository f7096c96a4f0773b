"""What is shown of a daemon that does not answer is what it wrote down last."""

from contextlib import closing
from pathlib import Path

from domain_secure.commands.status.kept_samples import kept_samples
from domain_secure.commands.terminal.daemon_client import Sample
from domain_secure.milter.metrics.metrics import COUNTED_SINCE
from domain_secure.policy.history.counter_sums import Counted
from domain_secure.policy.history.history_file import FILE_NAME
from domain_secure.policy.history.history_writer import HistoryWriter
from domain_secure.policy.sending.delivery_counts import CountKey, OutboundCounter
from domain_secure.postfix.log.delivery_ledger import DeliveryLedger, Reading

from unit.policy.builders import NOW, WOODGROVE


def test_both_files_are_told_under_the_names_of_the_metrics(tmp_path: Path) -> None:
    """Received and sent, with their labels and their beginnings, and nothing of a counter nobody knows."""
    assert kept_samples(tmp_path) == ()
    writer = HistoryWriter(tmp_path / FILE_NAME)
    sums = {
        ("domain_secure_messages_received", WOODGROVE): 3,
        ("domain_secure_inbound_refusals", WOODGROVE, "no-tls"): 2,
        ("domain_secure_of_a_later_version", "x"): 9,
    }
    writer.write((), Counted(sums, NOW))
    writer.close()
    with closing(DeliveryLedger(tmp_path)) as ledger:
        key = CountKey(OutboundCounter.FAILURE, WOODGROVE, "untrusted")
        ledger.commit(Reading({key: 4, CountKey(OutboundCounter.SENT, WOODGROVE, ""): 5}, None, {}))
    found = kept_samples(tmp_path)
    assert {one.labels["direction"] for one in found if one.name == COUNTED_SINCE} == {"receive", "send"}
    assert Sample(COUNTED_SINCE, {"direction": "receive"}, NOW.timestamp()) in found
    assert {(one.name, *one.labels.values(), one.value) for one in found if one.name != COUNTED_SINCE} == {
        ("domain_secure_messages_received_total", WOODGROVE, 3),
        ("domain_secure_inbound_refusals_total", WOODGROVE, "no-tls", 2),
        ("domain_secure_outbound_session_failures_total", WOODGROVE, "untrusted", 4),
        ("domain_secure_messages_sent_total", WOODGROVE, 5),
    }


def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    """Damage of one does not take the other's numbers."""
    (tmp_path / FILE_NAME).write_bytes(b"nonsense" * 1000)
    with closing(DeliveryLedger(tmp_path)):
        pass
    assert [one.labels for one in kept_samples(tmp_path)] == [{"direction": "send"}]

"""Counters by list entry: what they show is what the client library would show."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.metrics.entry_counter import EntryCounter

VALUES = st.tuples(st.text(max_size=20), st.text(max_size=20))


def shown(counter: EntryCounter) -> dict[tuple[str, ...], float]:
    """Return what a scraper reads, by the values of the labels."""
    (family,) = text_string_to_metric_families(counter.exposition().decode())
    assert (family.name, family.type, family.documentation) == ("mail", "counter", "What is counted.")
    return {
        tuple(sample.labels[label] for label in counter.labels): sample.value for sample in family.samples
    }


@given(st.lists(VALUES, max_size=30))
def test_what_is_counted_is_what_a_scraper_reads(events: list[tuple[str, str]]) -> None:
    """Every series has its number, whatever characters are in its labels."""
    counter = EntryCounter("mail", "What is counted.", ("domain", "reason"))
    for values in events:
        counter.inc(*values)
    assert shown(counter) == {values: events.count(values) for values in set(events)}


def test_hidden_entries_go_on_where_they_were() -> None:
    """An entry that is hidden has no series until it is shown or counted again, and loses nothing."""
    counter = EntryCounter("mail", "What is counted.", ("domain", "reason"))
    counter.inc("a.test", "no-tls")
    counter.inc("a.test", "expired")
    counter.inc("b.test", "no-tls", amount=3)
    counter.hide({"a.test"})
    assert shown(counter) == {("b.test", "no-tls"): 3}
    counter.inc("a.test", "no-tls")
    assert shown(counter) == {("b.test", "no-tls"): 3, ("a.test", "no-tls"): 2}
    counter.show({"a.test"})
    assert shown(counter)["a.test", "expired"] == 1


def test_what_grew_is_told_once() -> None:
    """To be kept is what was counted since the last call, of hidden series too; or all."""
    counter = EntryCounter("mail", "What is counted.", ("domain",))
    counter.inc("a.test")
    counter.inc("b.test")
    assert counter.sums(everything=False) == {("a.test",): 1, ("b.test",): 1}
    counter.hide({"a.test"})
    counter.inc("b.test")
    assert counter.sums(everything=False) == {("b.test",): 2}
    assert counter.sums(everything=False) == {}
    assert counter.sums(everything=True) == {("a.test",): 1, ("b.test",): 2}

"""No message is judged by the evidence of another session, whatever clients, Postfix and the daemon do."""

from attack import mix_ups_model


def test_evidence_stays_with_its_session() -> None:
    """A model of two instances of Postfix and their clients finds no way; most messages have evidence."""
    for promise in mix_ups_model.measure(quick=True):
        assert promise.held, f"{promise.what}: {promise.measured}\n{promise.needed}"

"""Health, part by part."""

from domain_secure.milter.daemon.health import HealthWatch, http_fault
from domain_secure.policy.terms.event import Event


def test_a_change_is_told_once_and_a_question_that_fails_is_no_answer() -> None:
    """Log and metric hear of each part; an exception of ours makes the part unwell and no other."""
    faults: dict[str, str | None] = {"book": None}
    logged: list[Event] = []
    told: dict[str, bool] = {}

    def broken(_: float) -> str | None:
        raise ZeroDivisionError

    def tell(part: str, ok: bool) -> None:
        told[part] = ok

    watch = HealthWatch({"book": lambda _: faults["book"], "log": broken}, logged.append, tell)
    assert set(watch.faults.values()) == {"not looked at yet"}
    watch.look()
    assert watch.faults["book"] is None
    assert watch.faults["log"]
    assert told == {"book": True, "log": False}
    faults["book"] = "damaged"
    watch.look()
    watch.look()
    faults["book"] = None
    watch.look()
    words = [(event.word, dict(event.pairs)["part"]) for event in logged if event.word.startswith("part-")]
    assert words == [("part-unhealthy", "log"), ("part-unhealthy", "book"), ("part-healthy", "book")]


def test_an_old_answer_counts_for_nothing() -> None:
    """Where nobody has asked for half a minute, every part is unknown, and that is unwell."""
    now = [0.0]
    watch = HealthWatch({"book": lambda _: None}, lambda _: None, lambda *_: None, lambda: now[0])
    watch.look()
    assert watch.faults == {"book": None}
    now[0] = 31.0
    assert watch.faults == {"book": "not looked at for 31 s"}


def test_nobody_listens() -> None:
    """A port at which nobody answers is told in the kernel's words."""
    assert http_fault("127.0.0.1:1", 1.0, is_tls=False) == "Connection refused"

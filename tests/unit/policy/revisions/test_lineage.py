"""From one revision to another: forwards on one line by itself, anything else by an administrator's word."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain_secure.policy.revisions.lineage import Demands, Step, describe, step
from domain_secure.policy.revisions.revision import Envelope, PublicKey

from unit.policy.revisions import line, revision

OURS = line(1, 2, 3, 4, 5)
RESTORED = line(4, 5, 6, above=OURS[2], what="another")  # 3 was restored, and others wrote on
NOTHING = Demands()


@pytest.mark.parametrize(
    ("head", "applied", "history", "expected"),
    [
        (OURS[0], None, [], Step.FOLLOWS),
        (OURS[4], None, [], Step.FOLLOWS),
        (OURS[2], OURS[2], OURS, Step.SAME),
        (OURS[3], OURS[2], OURS[2:4], Step.FOLLOWS),
        (OURS[4], OURS[0], OURS, Step.FOLLOWS),
        (OURS[2], OURS[4], OURS[:3], Step.BACKWARDS),
        (RESTORED[0], OURS[3], RESTORED, Step.BACKWARDS),
        (RESTORED[2], OURS[3], RESTORED, Step.FORKED),
        (RESTORED[2], OURS[4], RESTORED[1:], Step.FORKED),
        (RESTORED[2], OURS[2], [OURS[2], *RESTORED], Step.FOLLOWS),
        # What the store has dropped since cannot be asked; a child that is kept can.
        (OURS[4], OURS[1], OURS[3:], Step.FOLLOWS),
        (RESTORED[2], OURS[3], RESTORED[1:], Step.FORKED),
    ],
)
def test_step(head: Envelope, applied: Envelope | None, history: list[Envelope], expected: Step) -> None:
    """Only a revision that descends from ours is followed."""
    assert step(head, applied, history, NOTHING) is expected
    if expected in {Step.BACKWARDS, Step.FORKED}:
        assert f"revision {head.revision.number}" in describe(expected, head, applied)


def test_an_administrators_word_ends_a_fork() -> None:
    """A revision that settles is followed from every line, and so is what follows on it."""
    (settled,) = line(7, above=RESTORED[2], settles=True)
    after = line(8, 9, above=settled)
    for applied in (*OURS, *RESTORED):
        for head in (settled, *after):
            assert step(head, applied, [*RESTORED, settled, *after], NOTHING) is Step.FOLLOWS
    (older,) = line(3, above=OURS[1], settles=True)
    assert step(older, OURS[4], [older], NOTHING) is Step.BACKWARDS


def test_another_fleet_is_not_followed() -> None:
    """A prefix that was wiped and begun anew is another fleet, however high its number."""
    assert step(Envelope(revision(99, fleet="g", settles=True)), OURS[1], [], NOTHING) is Step.FOREIGN


def test_required_signature() -> None:
    """Unsigned, signed by a stranger: not followed, neither first nor later; what we enforce stays ours."""
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    demands = Demands(require_signature=True, trusted_keys=frozenset({PublicKey.of(key)}))
    for head in (OURS[1], OURS[1].signed(stranger)):
        for applied in (None, OURS[0]):
            expected = Step.UNSIGNED if head.key is None else Step.UNTRUSTED
            assert step(head, applied, OURS[:2], demands) is expected
            assert "signed by" in describe(Step.UNSIGNED, head, applied)
        assert step(head, OURS[1], OURS[:2], demands) is Step.SAME
    assert step(OURS[1].signed(key), OURS[0], OURS[:2], demands) is Step.FOLLOWS
    # A signed revision that was replayed is still an older one.
    assert step(OURS[1].signed(key), OURS[4], OURS, demands) is Step.BACKWARDS

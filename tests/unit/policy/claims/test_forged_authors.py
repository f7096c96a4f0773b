"""Forged author fields of every published family, against programs and rules of thumb that read them."""

from attack import readers


def test_whoever_is_shown_is_claimed() -> None:
    """No program that is installed, and no rule of thumb, shows an author who is no claim."""
    for promise in readers.measure(quick=True):
        # What is not installed is named by the tests of the readers themselves.
        assert promise.held or promise.measured == "-", (
            f"{promise.what}: {promise.measured}\n{promise.needed}"
        )

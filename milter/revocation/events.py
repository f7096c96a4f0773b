"""The lines about fetching revocation lists and answers (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def revocation_fetched(url: str, *, until: str) -> Event:
    """Return the line for a revocation list or an OCSP answer that says more than the one before."""
    return Event.of(logging.INFO, "revocation-fetched", url=url, until=until)


def revocation_not_fetched(url: str, *, detail: str, again: str, fix: str = "") -> Event:
    """Return the line for a distribution point or a responder of no use; it is asked again later.

    *fix* is for what does not mend itself.
    """
    more = {"fix": fix} if fix else {}
    return Event.of(logging.WARNING, "revocation-not-fetched", url=url, detail=detail, again=again, **more)


def revocation_not_kept(problem: str) -> Event:
    """Return the line for a revocation list or OCSP answer that is used and will not survive a restart."""
    return Event.of(logging.ERROR, "revocation-not-kept", detail=problem)

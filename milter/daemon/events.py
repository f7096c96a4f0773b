"""The lines about the daemon itself, its settings and Postfix's tables (form: ``policy/terms/event.py``)."""

import logging

from domain_secure.policy.terms.event import Event


def restart_needed(keys: tuple[str, ...]) -> Event:
    """Return the line for changed settings that only a restart applies."""
    return Event.of(logging.WARNING, "restart-needed", settings=",".join(keys))


def started(*, version: str, milter: str, policy: str, metrics: str) -> Event:
    """Return the line for a daemon that answers."""
    return Event.of(logging.INFO, "started", version=version, milter=milter, policy=policy, metrics=metrics)


def stopping(why: str) -> Event:
    """Return the line for a daemon that ends."""
    return Event.of(logging.INFO, "stopping", why=why)


def sessions_left(in_message: int, between: int) -> Event:
    """Return the line for sessions that the end of the daemon did not wait for any longer."""
    level = logging.WARNING if in_message else logging.INFO
    return Event.of(level, "sessions-left", in_message=in_message, between_messages=between)


def socket_unused(where: str) -> Event:
    """Return the line for a socket of the service manager that the settings do not name."""
    return Event.of(logging.WARNING, "socket-unused", socket=where)


def not_answering(part: str, detail: str) -> Event:
    """Return the line for a part of the daemon that hangs; the service manager is told nothing meanwhile."""
    return Event.of(logging.ERROR, "not-answering", part=part, detail=detail)


def answering_again(part: str) -> Event:
    """Return the line for a part that answers again."""
    return Event.of(logging.INFO, "answering-again", part=part)


def sessions_full(limit: int) -> Event:
    """Return the line for sessions that are hung up on because too many are open; Postfix answers 451."""
    return Event.of(logging.ERROR, "sessions-full", limit=limit)


def malformed_packet(detail: str) -> Event:
    """Return the line for a peer on the milter socket that does not speak the protocol."""
    return Event.of(logging.WARNING, "malformed-milter-packet", detail=detail)


def part_unhealthy(part: str, detail: str) -> Event:
    """Return the line for a part of the daemon that does not work; ``/healthz`` says so until it does."""
    return Event.of(logging.ERROR, "part-unhealthy", part=part, detail=detail)


def part_healthy(part: str) -> Event:
    """Return the line for a part that works again."""
    return Event.of(logging.INFO, "part-healthy", part=part)


def socket_bound_again(where: str) -> Event:
    """Return the line for a socket whose file had gone."""
    return Event.of(logging.WARNING, "socket-bound-again", socket=where)


def tables_taken_away(detail: str) -> Event:
    """Return the line for tables of Postfix that are not as they were made; they are made again if need be.

    A process of Postfix's that starts meanwhile goes on without them until it ends or Postfix is reloaded.
    """
    return Event.of(
        logging.ERROR,
        "tables-taken-away",
        detail=detail,
        fix="put the state folder back where the daemon cannot make it again",
    )


def tables_put_back(detail: str) -> Event:
    """Return the line for tables that are there again; root is asked to reload Postfix if it must be."""
    return Event.of(
        logging.WARNING,
        "tables-put-back",
        detail=detail,
        fix="without domain-secure-generate.path run domain-secure generate as root",
    )


def maps_published(*, changed: str) -> Event:
    """Return the line for Postfix tables that were written."""
    return Event.of(logging.INFO, "maps-published", changed=changed)


def maps_failed(problem: str) -> Event:
    """Return the line for Postfix tables that could not be written; the former ones stay."""
    return Event.of(logging.ERROR, "maps-failed", detail=problem)


def not_in_force(detail: str) -> Event:
    """Return the line for routes that are in place while Postfix may still go by former ones."""
    return Event.of(logging.WARNING, "not-in-force", detail=detail)


def revocation_refreshed(*, locations: int, failed: int) -> Event:
    """Return the line for revocation lists and responders that were all asked because somebody wanted it."""
    return Event.of(logging.INFO, "revocation-refreshed", locations=locations, failed=failed)


def refresh_request_failed(detail: str) -> Event:
    """Return the line for a wish to ask them that could not be read or answered."""
    return Event.of(logging.ERROR, "refresh-request-failed", detail=detail)

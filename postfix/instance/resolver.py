"""Which trivial-rewrite(8) chooses the routes: the one that the queue manager asks.

Owns: that its own options count, and not what main.cf says alone.
Must not know: what a route is.
Sources: trivial-rewrite(8), qmgr(8), postconf(5) rewrite_service_name.
"""

from .programs import PostfixInstance, Service

QUEUE_MANAGERS = frozenset({"qmgr", "oqmgr", "nqmgr"})


def resolver(instance: PostfixInstance) -> Service | None:
    """Return the service that the queue manager asks for routes; None when master.cf has it not.

    Mail stays in the queue then.  Raises Problem when Postfix cannot be asked.
    """
    services = instance.services()
    manager = next((one for one in services if one.program in QUEUE_MANAGERS), None)
    if manager is None:
        return None
    name = instance.service_parameter(manager, "rewrite_service_name")
    return next((one for one in services if one.key == f"{name}/unix"), None)


def resolver_parameters(instance: PostfixInstance, *names: str) -> dict[str, str]:
    """Return effective, expanded values as routes are chosen by them; raises Problem as `resolver` does."""
    service = resolver(instance)
    if service is None:
        return instance.parameters(*names)
    return instance.service_parameters(service, *names)

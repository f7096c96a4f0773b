"""Which targets there are."""

from .target import Target
from .targets import certificates, doors, files, log, messages, servers, state, store, web

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (doors, web, messages, servers, certificates, log, files, state, store)
    for target in module.TARGETS
}

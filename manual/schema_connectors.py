"""The schemas of ``domain-secure connector``, and of a connector wherever it is shown."""

from schema_parts import TEXT, YES_NO, Schema, described, many, maybe, one_of, thing, word

#: Of a connector, in ``status --json`` as well.
CONNECTOR: dict[str, Schema] = {
    "name": described(TEXT, "NAME/TYPE, as in master.cf"),
    "direction": word("direction"),
    "routing": maybe(TEXT),
    "fqdn": TEXT,
    "certificate": maybe(thing(file=TEXT, problem=maybe(TEXT), names=many(TEXT), covers_fqdn=maybe(YES_NO))),
    "domain_secure": described(YES_NO, "the daemon is asked there, or it is the dedicated transport"),
    "protocol_log": word("log_level"),
    "state": word("connector_state"),
    "detail": described(maybe(TEXT), "what is missing, or why it is not known"),
    "tls": one_of("required", "offered", "none"),
}
_SHOWN: dict[str, Schema] = {
    **CONNECTOR,
    "protocol_log_own": described(YES_NO, "the level is its own, and not that of the direction"),
    "dns_routing": described(maybe(YES_NO), "of a sending one: no smart host"),
}
CONNECTORS: dict[str, Schema] = {
    "connector list": thing(
        config_directory=TEXT,
        connectors=many(thing(**_SHOWN)),
        running=described(maybe(YES_NO), "whether this Postfix runs; null: see running_problem"),
        running_problem=maybe(TEXT),
        unread=described(many(TEXT), "files that were changed after the running Postfix read them"),
        other_instances=described(many(thing(name=TEXT, config_directory=TEXT)), "not looked at"),
        other_instances_problem=maybe(TEXT),
    ),
    "connector show": thing(**_SHOWN),
    "connector set": thing(
        config_directory=TEXT,
        before=thing(**_SHOWN),
        after=described(maybe(thing(**_SHOWN)), "null with --dry-run"),
        changed=described(many(TEXT), "files; with --dry-run those that would be"),
    ),
}

"""The keys of the documents about what partners announce to each other."""

from schema_parts import FILES, TEXT, TIME, Schema, described, many, maybe, one_of, thing

_AGREEMENT: dict[str, Schema] = {
    "domains": many(TEXT),
    "issued": TIME,
    "valid_until": TIME,
    "signing_key": TEXT,
    "fingerprint": TEXT,
    "keys": many(
        thing(
            spki_sha256=TEXT,
            certificate_sha256=maybe(TEXT),
            shown_as=many(one_of("server", "client")),
            **{"from": maybe(TIME), "until": maybe(TIME)},
        )
    ),
    "server_names": many(TEXT),
    "client_names": many(TEXT),
    "mx": many(TEXT),
    "authorities": many(thing(subject=TEXT, certificate_sha256=TEXT)),
    "contacts": many(TEXT),
}
_COMPARED: dict[str, Schema] = {
    "agreement": thing(**_AGREEMENT),
    "proposals": many(
        thing(
            domain=TEXT,
            changes=many(thing(key=TEXT, present=many(TEXT), agreed=many(TEXT), remark=maybe(TEXT))),
            remarks=described(many(TEXT), "what there is to know besides; for people, may change"),
            command=described(maybe(TEXT), "accepts all of it; null: nothing is to be changed"),
        )
    ),
}
AGREEMENTS: dict[str, Schema] = {
    "agreement export": thing(**_AGREEMENT, written=FILES),
    "agreement import": thing(**_COMPARED, written=FILES),
    "agreement diff": thing(**_COMPARED),
}

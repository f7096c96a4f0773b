"""The keys of the documents of a fleet's commands."""

from domain_secure.fleet.node.reports import NO_MAPS

from schema_documents import WAITED
from schema_parts import COUNT, FILES, INTEGER, LINES, TEXT, TIME, YES_NO, Schema, many, maybe, thing, word

_FLEET_CHANGE = thing(
    ("written", "difference", *WAITED),
    written=FILES,
    difference=LINES,
    **WAITED,
)

FLEET: dict[str, Schema] = {
    "fleet init": thing(
        ("difference", "written", "kept"), revision=COUNT, difference=LINES, written=FILES, kept=TEXT
    ),
    "fleet join": thing(
        ("difference", "written", "kept"),
        node=TEXT,
        revision=COUNT,
        difference=LINES,
        written=FILES,
        kept=TEXT,
    ),
    "fleet leave": thing(("written",), node=TEXT, written=FILES),
    "fleet status": thing(
        here=thing(
            node=TEXT,
            revision=maybe(COUNT),
            at=maybe(TIME),
            store_last_answered_seconds_ago=maybe(INTEGER),
            problem=maybe(TEXT),
        ),
        store_problem=maybe(TEXT),
        doubled={},
        head=maybe(thing(revision=COUNT, at=TIME, who=TEXT, node=TEXT, what=TEXT)),
        nodes=many(
            thing(
                node=TEXT,
                machine=maybe(TEXT),
                instance=maybe(TEXT),
                authserv_id=maybe(TEXT),
                state=word("node_state"),
                enforces_head=YES_NO,
                why_not=maybe(TEXT),
                milter=maybe(COUNT),
                maps=maybe({"anyOf": [COUNT, {"const": NO_MAPS}]}),
                version=maybe(TEXT),
                certificate_days=maybe(INTEGER),
                check=maybe(TEXT),
                reported_at=maybe(TIME),
                overrides={"type": "object"},
            )
        ),
    ),
    "fleet log": thing(
        revisions=many(
            thing(
                revision=COUNT,
                digest=TEXT,
                at=TIME,
                who=TEXT,
                node=TEXT,
                what=TEXT,
                key=maybe(TEXT),
                trusted=YES_NO,
                signature_fits=maybe(YES_NO),
                held_here=YES_NO,
            )
        )
    ),
    "fleet set": thing(WAITED, written=FILES, **WAITED),
    "fleet revert": _FLEET_CHANGE,
    "fleet accept": _FLEET_CHANGE,
    "fleet sign": _FLEET_CHANGE,
    "fleet key": thing(key=TEXT, written=FILES),
    "fleet trust": thing(key=TEXT, written=FILES),
}

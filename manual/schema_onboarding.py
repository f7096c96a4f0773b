"""The keys of the document of ``partner add``."""

from schema_answers import PROBED
from schema_documents import WAITED
from schema_parts import (
    COUNT,
    COUNTERS,
    FILES,
    LINES,
    TEXT,
    TIME,
    YES_NO,
    Schema,
    by_name,
    described,
    many,
    maybe,
    one_of,
    thing,
    word,
)

_PASSES = thing(passes=described(maybe(YES_NO), "null: not known"), detail=TEXT)

ONBOARDING: dict[str, Schema] = {
    "partner add": thing(
        WAITED,
        domain=TEXT,
        directions=many(word("direction")),
        probe=described(PROBED, "as if the domain were on both lists"),
        would_pass=thing(("receive", "send"), receive=_PASSES, send=_PASSES),
        not_known=LINES,
        proposal=described(
            many(
                thing(
                    directions=many(word("direction")),
                    values=by_name(TEXT),
                    pins=many(TEXT),
                    options=described(many(TEXT), "of `partner add`, that take it"),
                    weakens=TEXT,
                )
            ),
            "what would let mail pass, and was not taken",
        ),
        watched=described(
            maybe(
                thing(
                    passed=COUNT,
                    failed=COUNTERS,
                    strangers=COUNT,
                    unknown=COUNT,
                    doubts=many(TEXT),
                    problem=maybe(TEXT),
                )
            ),
            "messages of the days that `promote` asks for, judged by the rule as it is; doubts: why they do "
            "not speak for enforcing; null: it is not watched",
        ),
        steps=many(
            thing(
                step=word("onboarding_step"),
                standing=word("onboarding_standing"),
                outcome=one_of("done", "already", "left", "cannot"),
                why=maybe(TEXT),
                since=maybe(TIME),
            )
        ),
        next=many(thing(what=TEXT, command=TEXT)),
        written=FILES,
        **WAITED,
    ),
}

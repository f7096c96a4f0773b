"""The sabotages: what is broken, and which tool has to turn red.

Each is a fault that somebody could build in good faith, and that costs what the product is for.
Where its tool grows or is called otherwise, `caught_by` is the one line to change.
"""

from dataclasses import dataclass

from .broken_copy import Replacement

_INBOUND = "tests/real/test_inbound.py"


@dataclass(frozen=True, slots=True)
class Tool:
    """What is run to see the fault: arguments for the interpreter."""

    called: str  #: what people call it
    arguments: tuple[str, ...]
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One fault."""

    name: str
    what: str  #: in a clause, for people
    replacements: tuple[Replacement, ...]
    caught_by: Tool


def part(tool: str, name: str) -> Tool:
    """Return a part of ``./dev attack``, ``fault`` or ``bench``, in its short form."""
    return Tool(f"./dev {tool} {name} --quick", ("-m", f"{tool}.run", name, "--quick"))


def test(node: str) -> Tool:
    """Return a test of the suite."""
    return Tool(node, ("-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", node), is_test=True)


SABOTAGES = (
    Sabotage(
        "evidence-by-address",
        "evidence is found by the client's address alone",
        (
            Replacement(
                "milter/session/delegation.py",
                "self.server_port, self.client_address, self.client_port, self.queue_id\n",
                '"", self.client_address, "", ""\n',
            ),
            Replacement(
                "milter/session/macros.py",
                "self.server_port, self.client_address, self.client_port, queue_id\n",
                '"", self.client_address, "", ""\n',
            ),
        ),
        part("attack", "mix-ups-model"),
    ),
    Sabotage(
        "answered-before-recorded",
        "the policy listener answers before it has recorded what it was told",
        (
            Replacement(
                "milter/session/inbound.py",
                "        self._requests.remember(facts)\n",
                '        __import__("threading").Timer(0.5, self._requests.remember, (facts,)).start()\n',
            ),
        ),
        test(f"{_INBOUND}::test_partner_is_delivered_and_marked"),
    ),
    Sabotage(
        "from-alone",
        "From is the only author field that claims",
        (
            Replacement(
                "policy/claims/claims.py",
                'HEADER_NAMES = frozenset({"from", "sender", "resent-from"})',
                'HEADER_NAMES = frozenset({"from"})',
            ),
        ),
        test(f"{_INBOUND}::test_other_author_headers_are_claims[Sender]"),
    ),
    Sabotage(
        "first-from-alone",
        "a second From claims nothing",
        (
            Replacement(
                "milter/session/transaction.py",
                "        self._author_octets += max(len(value), LEAST_AUTHOR_OCTETS)\n",
                '        if self._author_octets and name.strip().lower() == "from":\n'
                "            return\n"
                "        self._author_octets += max(len(value), LEAST_AUTHOR_OCTETS)\n",
            ),
        ),
        test(f"{_INBOUND}::test_each_of_two_author_fields_is_a_claim"),
    ),
    Sabotage(
        "header-alone",
        "the envelope claims nothing",
        (
            Replacement(
                "policy/claims/claims.py",
                "    return _listed(found, receive, ENVELOPE)\n",
                "    return _listed((), receive, ENVELOPE)\n",
            ),
        ),
        test(f"{_INBOUND}::test_envelope_is_a_claim_however_it_is_written"),
    ),
    Sabotage(
        "name-by-ending",
        "a name in a certificate fits where it merely ends like the partner's",
        (
            Replacement(
                "policy/terms/names.py",
                "        return folded == name or lies_under(folded, name)\n",
                "        return folded.endswith(name)\n",
            ),
        ),
        test("tests/unit/policy/terms/test_names.py"),
    ),
    Sabotage(
        "pin-by-prefix",
        "a pin fits where its first digits do",
        (
            Replacement(
                "policy/decision/methods.py",
                "    for pin in sorted(session.pins & partner.pins):\n",
                "    starts = {str(one)[:24] for one in partner.pins}\n"
                "    for pin in sorted(one for one in session.pins if str(one)[:24] in starts):\n",
            ),
        ),
        test("tests/unit/policy/decision/test_decision.py::test_a_pin_is_compared_whole"),
    ),
    Sabotage(
        "unknown-revocation-is-good",
        "a revocation that could not be learned is taken for none where it is required",
        (
            Replacement(
                "policy/decision/methods.py",
                "if known.revocation is RevocationStatus.UNKNOWN and wanted is Revocation.REQUIRE:",
                "if known.revocation is RevocationStatus.UNKNOWN and wanted is Revocation.OFF:",
            ),
        ),
        test("tests/real/test_revocation.py::test_list_that_is_out_of_date"),
    ),
    Sabotage(
        "temporary-is-accepted",
        "what has to wait is let in",
        (
            Replacement(
                "policy/decision/verdict.py",
                "            return Effect.DEFER\n",
                "            return Effect.ACCEPT\n",
            ),
        ),
        test(f"{_INBOUND}::test_forgeries_are_refused"),
    ),
    Sabotage(
        "fault-lets-in",
        "a fault of our own lets listed mail in",
        (
            Replacement(
                "milter/session/inbound.py",
                "            decision = undecidable(transaction.claims, transaction.live.configuration)\n",
                "            decision = NOT_LISTED\n",
            ),
        ),
        test("tests/unit/milter/session/test_inbound.py::test_a_bug_of_ours_defers_listed_mail_only"),
    ),
    Sabotage(
        "marks-kept",
        "a stranger's marks are not taken away",
        (
            Replacement(
                "milter/session/inbound.py",
                "        return tuple(transaction.forged)\n",
                "        return ()\n",
            ),
        ),
        test(f"{_INBOUND}::test_unlisted_mail_is_untouched_but_for_forged_marks"),
    ),
    Sabotage(
        "counter-forgotten",
        "what passed is not counted",
        (
            Replacement(
                "milter/metrics/inbound_metrics.py",
                "                self._received.inc(entry)\n",
                "                self._received.inc(entry, amount=0)\n",
            ),
        ),
        test(f"{_INBOUND}::test_partner_is_delivered_and_marked"),
    ),
    Sabotage(
        "signature-after-reading",
        "what a file looked like is noted after it was read",
        (
            Replacement(
                "milter/knowledge/live_configuration.py",
                "{file: unseen[file] if file in unseen else seen[file] for file in files} | confirming\n",
                "{**_signatures(files)} | confirming\n",
            ),
        ),
        test(
            "tests/unit/milter/knowledge/test_live_configuration.py"
            "::test_a_change_while_it_is_read_is_not_overlooked"
        ),
    ),
    Sabotage(
        "table-forgotten",
        "the routes are not generated",
        (
            Replacement(
                "postfix/tables/publish.py",
                "    for table in Table:\n        try:\n",
                "    for table in (one for one in Table if one is not Table.TRANSPORT):\n        try:\n",
            ),
        ),
        test("tests/real/test_generate.py::test_postfix_finds_what_was_generated"),
    ),
    Sabotage(
        "slow-decision",
        "a decision takes half a millisecond more",
        (
            Replacement(
                "policy/claims/claims.py",
                "    found: frozenset[Claim] = frozenset()\n",
                '    __import__("time").sleep(0.0005)\n    found: frozenset[Claim] = frozenset()\n',
            ),
        ),
        # The short form is never red: its figures mean little.
        Tool("./dev bench decision", ("-m", "bench.run", "decision")),
    ),
    Sabotage(
        "leak-per-message",
        "each message leaves something in memory",
        (
            Replacement(
                "milter/session/inbound.py",
                "        started = time.perf_counter()\n",
                "        started = time.perf_counter()\n"
                '        self.__dict__.setdefault("_kept", []).append(bytearray(50_000))\n',
            ),
        ),
        test("tests/unit/milter/session/test_inbound.py::test_a_message_leaves_nothing_behind"),
    ),
)

"""Examine one instance and our configuration: the order of the questions, and what could not be asked.

Owns: that a question that cannot be answered is reported as such and does not hide the others.
Must not know: what is asked; that is the ``*_checks`` modules' part.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import cache

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.dns.dns_lookup import system_lookup
from domain_secure.postfix.dns.tlsa_lookup import look_up
from domain_secure.postfix.findings.findings import Examination, Finding, Lookup
from domain_secure.postfix.findings.service_facts import PostfixFacts, facts_of
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.mail_checks.attach_checks import check_attachment
from domain_secure.postfix.mail_checks.inbound_checks import check_inbound
from domain_secure.postfix.mail_checks.line_end_checks import check_line_ends
from domain_secure.postfix.mail_checks.listener_checks import check_listeners
from domain_secure.postfix.mail_checks.log_checks import check_log
from domain_secure.postfix.mail_checks.mark_checks import check_marks
from domain_secure.postfix.mail_checks.milter_map_checks import check_milter_maps
from domain_secure.postfix.mail_checks.reflector_checks import check_reflector
from domain_secure.postfix.mail_checks.resolver_checks import check_resolver
from domain_secure.postfix.mail_checks.surroundings_checks import check_surroundings
from domain_secure.postfix.mail_checks.way_in_checks import check_ways_in
from domain_secure.postfix.own_checks.agreement_checks import check_agreements
from domain_secure.postfix.own_checks.bypass_checks import check_bypasses
from domain_secure.postfix.own_checks.configuration_checks import check_configuration
from domain_secure.postfix.own_checks.distrust_checks import check_distrusted
from domain_secure.postfix.own_checks.file_checks import (
    check_outbound_authorities,
    check_tables,
    check_trust,
    check_writers,
)
from domain_secure.postfix.own_checks.fleet_checks import check_fleet
from domain_secure.postfix.own_checks.own_certificate_checks import check_own_certificates
from domain_secure.postfix.own_checks.partner_certificate_checks import check_partner_certificates
from domain_secure.postfix.own_checks.partner_server_checks import check_partner_servers
from domain_secure.postfix.own_checks.revocation_checks import (
    check_revocation_lists,
    check_revocation_locations,
)
from domain_secure.postfix.own_checks.shown_certificate_checks import check_certificates
from domain_secure.postfix.sending_checks.address_probe_checks import check_address_probes
from domain_secure.postfix.sending_checks.copy_checks import check_copies
from domain_secure.postfix.sending_checks.filter_checks import check_filters, tables_of_others
from domain_secure.postfix.sending_checks.foreign_table_checks import check_foreign_tables
from domain_secure.postfix.sending_checks.in_force_checks import check_in_force
from domain_secure.postfix.sending_checks.inherited_checks import check_inherited
from domain_secure.postfix.sending_checks.outbound_checks import check_outbound
from domain_secure.postfix.sending_checks.own_domain_checks import check_own_domains
from domain_secure.postfix.sending_checks.replay_checks import check_replay
from domain_secure.postfix.sending_checks.routing_checks import check_routing, follow
from domain_secure.postfix.sending_checks.spelling_checks import check_spelling
from domain_secure.postfix.tables.publication import Job
from domain_secure.postfix.tables.tables import map_type

Question = tuple[str, Callable[[], Iterator[Finding]]]


@remembering()
def examine(
    configuration: Configuration,
    instance: PostfixInstance,
    now: datetime,
    only: Domain | None = None,
    tell: Callable[[str], None] = lambda _: None,
    probed: datetime | None = None,
) -> Examination:
    """Ask every question and return the findings, errors first; about *only* one listed domain when given.

    *tell* hears what is examined at the moment; *probed* is when that domain's servers were last looked at.
    """
    findings = _asked(
        [
            ("our configuration", lambda: check_configuration(configuration)),
            ("who may write our files", lambda: check_writers(configuration)),
            ("bypasses", lambda: check_bypasses(configuration)),
            ("the authorities for receiving", lambda: check_trust(configuration)),
            ("our own certificates", lambda: check_own_certificates(configuration, now)),
            ("partners' certificates", lambda: check_partner_certificates(configuration, now)),
            (
                "what partners' servers show",
                lambda: check_partner_servers(configuration, now, _tlsa, only, probed),
            ),
            ("agreements with partners", lambda: check_agreements(configuration, now)),
            ("what is distrusted", lambda: check_distrusted(configuration, now)),
            ("revocation lists", lambda: check_revocation_lists(configuration, now)),
            ("where revocation is asked", lambda: check_revocation_locations(configuration)),
            ("the fleet", lambda: check_fleet(configuration, now)),
            ("the DNS resolver", lambda: check_resolver(configuration)),
        ],
        tell,
    )
    lookups: list[Lookup] = []
    try:
        facts = facts_of(instance)
        questions = _questions(configuration, instance, facts, now, only)
    except NoPermission as problem:
        findings.append(Finding.not_looked_at("Postfix", f"{problem.where}: {problem.what}", problem.fix))
    except Problem as problem:
        findings.append(
            Finding.error(
                "postfix-unreadable", f"Postfix cannot be asked: {problem.what}", problem.where, problem.fix
            )
        )
    else:
        findings += _asked(questions, tell)
        if only is not None:
            with suppress(Problem, PermissionError):  # The question about routing has told already.
                lookups += follow(configuration, instance, facts, only)
    return Examination((), tuple(lookups)).with_findings(findings)


@remembering()
def examine_routes(
    configuration: Configuration, instance: PostfixInstance, tell: Callable[[str], None] = lambda _: None
) -> Examination:
    """Ask only where Postfix would send mail for the send list, and by which TLS policy.

    It is what attach asks after its change, before it says what became of sending.  Raises Problem where
    Postfix cannot be asked at all.
    """
    facts = facts_of(instance)
    questions = _route_questions(configuration, instance, facts, None)
    return Examination(()).with_findings(_asked(questions, tell))


def _tlsa(domain: Domain) -> TlsaAnswer:
    return look_up(domain, system_lookup).answer


def _route_questions(
    configuration: Configuration, instance: PostfixInstance, facts: PostfixFacts, only: Domain | None
) -> list[Question]:
    # Both ask for all rows of all tables; where these cannot be read, each says so.
    told = cache(lambda: tables_of_others(configuration, instance))
    return [
        ("filters", lambda: check_filters(configuration, instance, facts, told())),
        ("copies", lambda: check_copies(configuration, instance, facts, told())),
        ("tables of others", lambda: check_foreign_tables(configuration, instance, facts, only)),
        ("probes of addresses", lambda: check_address_probes(configuration, instance)),
        ("domains of our own", lambda: check_own_domains(configuration, instance, only)),
        ("other spellings of recipients", lambda: check_spelling(configuration, instance)),
        ("routing", lambda: check_routing(configuration, instance, facts, only)),
    ]


def _questions(
    configuration: Configuration,
    instance: PostfixInstance,
    facts: PostfixFacts,
    now: datetime,
    only: Domain | None,
) -> list[Question]:
    questions: list[Question] = [
        ("receiving", lambda: check_inbound(configuration, facts)),
        ("the mark", lambda: check_marks(configuration, instance, facts)),
        ("other ways in", lambda: check_ways_in(configuration, instance, facts)),
        ("line ends", lambda: check_line_ends(configuration, facts)),
        ("milters by client", lambda: check_milter_maps(configuration, instance, facts)),
        ("the daemon's sockets", lambda: check_listeners(configuration, facts)),
        ("the certificates shown to partners", lambda: check_certificates(facts, configuration, now)),
        ("the rest of Postfix", lambda: check_surroundings(configuration, facts)),
    ]
    if configuration.reflector.address is not None:
        questions.append(("the reflector", lambda: check_reflector(configuration, instance)))
    if configuration.send:
        job = Job.of(configuration, instance)
        questions += [
            ("sending", lambda: check_outbound(configuration, facts, job.map_type, map_type(instance))),
            ("what the transport inherits", lambda: check_inherited(configuration, instance, facts)),
            ("the generated tables", lambda: check_tables(job)),
            ("what Postfix remembers", lambda: check_in_force(configuration, instance)),
            ("the authorities for sending", lambda: check_outbound_authorities(facts)),
            ("the log of Postfix", lambda: check_log(configuration, instance)),
            *_route_questions(configuration, instance, facts, only),
            ("recipients of the last days", lambda: check_replay(configuration, instance, facts, only)),
        ]
    return [*questions, ("what attach wrote", lambda: check_attachment(configuration, instance))]


def _asked(questions: list[Question], tell: Callable[[str], None]) -> list[Finding]:
    findings: list[Finding] = []
    for what, ask in questions:
        tell(what)
        try:
            findings += ask()
        except PermissionError as error:
            why = f"{error.filename or what}: permission denied"
            findings.append(Finding.not_looked_at(what, why, "run this as root"))
        except NoPermission as problem:
            findings.append(Finding.not_looked_at(what, f"{problem.where}: {problem.what}", problem.fix))
        except Problem as problem:
            findings.append(
                Finding.error("question-failed", f"{what}: {problem.what}", problem.where, problem.fix)
            )
    return findings

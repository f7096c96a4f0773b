"""What the dedicated transport may inherit: one decision for each setting that acts on it.

Owns: for every parameter that smtp(8), and for its mail qmgr(8) and trivial-rewrite(8), read in Postfix 3.7,
3.10 and 3.11: whether attach sets it on the transport, or it stays the administrator's, and why.
Must not know: what the lists say; where a value follows from them, ``outbound_settings`` has it.
Sources: postconf(5) and smtp(8) of these releases, and the tables of parameters in Postfix's own sources.

The rule behind the decisions: what could send a message another way, return it without the word of a server
that was verified, or keep it for no reason, is set.  What only makes TLS stricter is left, and named by check
where it may keep mail.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Decision(StrEnum):
    """What becomes of a setting on the dedicated transport."""

    RESET = "reset"  #: attach sets it
    KEEP = "keep"  #: it cannot touch the promise, or another finding of check is about it
    NAME = "name"  #: it is kept, and check names it where it is not as the release has it
    REFUSE = "refuse"  #: attach does nothing while it is set


@dataclass(frozen=True, slots=True)
class Rule:
    """The decision on one setting."""

    decision: Decision
    reason: str  #: one clause, of the setting or of what would happen
    #: Of RESET: what attach writes; None where the release's own value or our lists decide.
    value: str | None = None
    #: Of RESET: the value is what the release has where nobody sets it.
    as_released: bool = False


# A table of patterns in the setting itself (regexp_table(5), "INLINE SPECIFICATION").  A reply that smtp(8)
# quotes as "host NAME said:" was given over TLS that the policy asks for; everything else here is told by
# DNS or by a server before it was verified, and nobody is to be able to have mail returned by that.
UNPROVEN_FAILURES = (
    "regexp:{ {/^(5[.0-9]+ host [^ ]+ said: .*)/ $$1}, "
    "{/^5(\\.1\\.0|\\.3\\.0|\\.4\\.[346])( .*)/ 4$$1$$2}, "
    "{/^5([.0-9]+ host [^ ]+ refused to talk to me: .*)/ 4$$1}, "
    "{/^5([.0-9]+ TLS is required, but host [^ ]+ refused to start TLS: .*)/ 4$$1} }"
)

_RESET: Mapping[str, tuple[str, str]] = {
    # Where a message goes.
    "best_mx_transport": ("", "an MX that leads to ourselves would hand mail to another transport"),
    "smtp_fallback_relay": ("", "what waits for a verified server would leave by a relay"),
    "smtp_tcp_port": ("smtp", "MX hosts are reached at port 25; a relay names its own port"),
    "use_srv_lookup": ("", "SRV records would name other hosts than MX records"),
    "ignore_mx_lookup_error": ("no", "a host that is no MX would be tried while DNS is down"),
    "enable_idna2003_compatibility": ("no", "a name would be looked up as another, such as ß as ss"),
    "smtputf8_enable": ("yes", "a name with other letters than ASCII's would not be found in DNS"),
    "smtp_dns_resolver_options": (
        "",
        "the name of another domain would be tried in place of the recipient's",
    ),
    # What is returned instead of kept.
    "smtp_defer_if_no_mx_address_found": ("yes", "mail would be returned because DNS names no address"),
    "smtp_skip_5xx_greeting": ("yes", "mail would be returned because of a greeting before TLS"),
    "smtp_reply_filter": ("", "a reply would mean something else than the server said"),
    "smtp_sasl_auth_soft_bounce": ("yes", "mail would be returned because a password is wrong"),
    # What keeps TLS from being started, or from being verified.
    "smtp_always_send_ehlo": ("yes", "without EHLO there is no STARTTLS, and mail waits"),
    "smtp_never_send_ehlo": ("no", "without EHLO there is no STARTTLS, and mail waits"),
    "smtp_pix_workarounds": ("", "a greeting before TLS could turn EHLO off, and mail waits"),
    "smtp_pix_workaround_maps": ("", "a greeting before TLS could turn EHLO off, and mail waits"),
    "smtp_discard_ehlo_keywords": ("", "STARTTLS could be among what is not seen, and mail waits"),
    "smtp_discard_ehlo_keyword_address_maps": (
        "",
        "STARTTLS could be among what is not seen, and mail waits",
    ),
    "smtp_tls_servername": ("", "servers would show the certificate of another name, and mail waits"),
    "smtp_tls_scert_verifydepth": ("9", "a chain could be too long, and mail waits"),
    "smtp_tls_wrappermode": ("no", "port 25 begins without TLS, and mail waits"),
    "smtp_tls_enable_rpk": ("no", "a bare key has no chain, name or digest to verify"),
    "smtp_cname_overrides_servername": ("no", "DNS would choose the name that is verified"),
    "tls_legacy_public_key_fingerprints": ("no", "digests of keys would not be those that pins have"),
    # How a server is verified.
    "smtp_tls_security_level": ("secure", "the floor for what has no entry in our table"),
    "smtp_tls_secure_cert_match": ("nexthop,dot-nexthop", "a certificate is for the domain, not for its MX"),
    "smtp_tls_mandatory_protocols": (">=TLSv1.2", "the floor for what has no entry in our table"),
    "smtp_tls_mandatory_ciphers": ("high", "the floor for what has no entry in our table"),
    "smtp_tls_fingerprint_digest": ("sha256", "pins are SHA-256"),
    "smtp_tls_fingerprint_cert_match": ("", "a pin of nobody would be added"),
    "smtp_tls_CApath": ("", "there is one source of trust"),
    "smtp_tls_trust_anchor_file": ("", "there is one source of trust"),
    "tls_append_default_CA": ("no", "there is one source of trust"),
    "tls_required_enable": ("no", "RFC 8689: a header field of the sender would lift the policy"),
    # A resumed session or a reused connection skips the check of this delivery.
    "smtp_tls_session_cache_database": ("", "a resumed session is not verified again"),
    "smtp_tls_connection_reuse": ("no", "a connection in use is not verified again"),
    "smtp_connection_cache_on_demand": ("no", "a connection in use is not verified again"),
    "smtp_connection_cache_destinations": ("", "a connection in use is not verified again"),
    "smtp_tls_loglevel": (
        "1,certmatch",
        "the log tells which name was verified, by that each delivery is judged",
    ),
}

# What our lists, our paths or the release decide.
_RESET_ELSEWHERE: Mapping[str, str] = {
    "syslog_name": "deliveries are told apart by it",
    "smtp_tls_policy_maps": "our table alone; beside it Postfix ignores smtp_tls_per_site",
    "smtp_tls_CAfile": "there is one source of trust",
    "tlsmgr_service_name": "sessions are kept by tlsmgr(8), which knows its own settings only",
    "smtp_dns_support_level": "mail that is routed by MX would be returned; DANE needs more",
    "smtp_delivery_status_filter": "a wait would become a return, or a failure that nobody proved would",
    "smtp_sasl_auth_enable": "a password of ours is for a relay, and not for a partner's server",
}
_RESET_AS_RELEASED: Mapping[str, str] = {
    "tls_dane_digests": "records with a digest that is left out would be of no use, and mail waits",
}

#: Of RESET: the release that complains of the name wherever it stands (DEPRECATION_README).
_OUTDATED_SINCE: Mapping[str, tuple[int, int]] = {"smtp_cname_overrides_servername": (3, 11)}

_REFUSE: Mapping[str, str] = {
    "smtp_tls_per_site": "Postfix would ignore it as soon as there is a TLS policy table",
}

_NAME: Mapping[str, str] = {
    "inet_protocols": "a server may have addresses of the other protocol only",
    "maximal_queue_lifetime": "what cannot leave verified is returned when this time is over",
    "smtp_dns_reply_filter": "an answer of DNS may be hidden or changed",
    "smtp_host_lookup": "addresses may come from elsewhere than DNS, where DANE finds no records",
    "smtp_tls_exclude_ciphers": "a server may have no other cipher",
    "smtp_tls_mandatory_exclude_ciphers": "a server may have no other cipher",
    "soft_bounce": "what a partner refuses for good is tried again for days",
    "tls_config_file": "OpenSSL takes its own settings from there",
    "tls_config_name": "OpenSSL takes its own settings from there",
    "tls_eecdh_auto_curves": "a server may know no other group",
    "tls_ffdhe_auto_groups": "a server may know no other group",
    "tls_high_cipherlist": "a server may have no other cipher",
    "tls_ssl_options": "OpenSSL may refuse what a server offers, or accept what it should not",
}

_KEEP: Mapping[str, str] = {
    "how long is waited, and for how much": """
        smtp_connect_timeout smtp_data_done_timeout smtp_data_init_timeout smtp_data_xfer_timeout
        smtp_helo_timeout smtp_mail_timeout smtp_min_data_rate smtp_per_request_deadline smtp_quit_timeout
        smtp_rcpt_timeout smtp_rset_timeout smtp_starttls_timeout smtp_xforward_timeout
        smtp_skip_quit_response smtp_pix_workaround_delay_time smtp_pix_workaround_threshold_time""",
    "which of a domain's servers is tried first, and how many; each is verified": """
        smtp_address_preference smtp_balance_inet_protocols smtp_mx_address_limit smtp_mx_session_limit
        smtp_randomize_addresses""",
    "the addresses of this machine": """
        smtp_bind_address smtp_bind_address6 smtp_bind_address_enforce smtp_helo_name inet_interfaces
        proxy_interfaces myhostname mydomain myorigin mydestination mynetworks mynetworks_style""",
    "what a message says, and not where it goes": """
        smtp_body_checks smtp_generic_maps smtp_header_checks smtp_mime_header_checks
        smtp_nested_header_checks smtp_line_length_limit smtp_quote_rfc821_envelope
        smtp_send_dummy_mail_auth smtp_send_xforward_command propagate_unmatched_extensions
        disable_mime_input_processing disable_mime_output_conversion header_address_token_limit
        header_from_format header_size_limit line_length_limit message_drop_headers
        message_size_limit mime_boundary_length_limit mime_nesting_limit recipient_delimiter
        strict_7bit_headers strict_8bitmime strict_8bitmime_body strict_mime_encoding_domain strict_smtputf8
        smtputf8_autodetect_classes enable_original_recipient""",
    "passwords, which are asked for where smtp_sasl_auth_enable is on": """
        smtp_sasl_auth_cache_name smtp_sasl_auth_cache_time smtp_sasl_mechanism_filter
        smtp_sasl_password_maps smtp_sasl_password_result_delimiter smtp_sasl_path
        smtp_sasl_security_options smtp_sasl_tls_security_options smtp_sasl_tls_verified_security_options
        smtp_sasl_type smtp_sender_dependent_authentication cyrus_sasl_config_path
        send_cyrus_sasl_authzid""",
    "our own certificate, about which check has findings of its own": """
        smtp_tls_cert_file smtp_tls_chain_files smtp_tls_dcert_file smtp_tls_dkey_file smtp_tls_eccert_file
        smtp_tls_eckey_file smtp_tls_key_file""",
    # Set on the transport it would have no effect either, and Postfix 3.9 and later complain of its name.
    "of no effect beside smtp_dns_support_level, which is set": "disable_dns_lookups",
    "of no effect beside a security level": """
        smtp_enforce_tls smtp_use_tls smtp_tls_enforce_peername smtp_tls_note_starttls_offer""",
    "for security levels that are not used here": """
        smtp_tls_ciphers smtp_tls_protocols smtp_tls_verify_cert_match smtp_tls_enforce_sts_mx_patterns
        smtp_tls_dane_insecure_mx_policy tls_export_cipherlist tls_low_cipherlist tls_medium_cipherlist
        tls_null_cipherlist""",
    "only adds to what is asked of a server": """
        smtp_tls_block_early_mail_reply smtp_tls_force_insecure_host_tlsa_lookup smtp_requiretls_policy
        requiretls_enable tls_wildcard_matches_multiple_labels tls_disable_workarounds""",
    "what is reported and logged": """
        smtp_tlsrpt_enable smtp_tlsrpt_skip_reused_handshakes smtp_tlsrpt_socket_name
        smtp_log_tls_feature_status debug_peer_level debug_peer_list delay_logging_resolution_limit
        error_notice_recipient helpful_warnings info_log_address_format maillog_file maillog_file_compressor
        maillog_file_permissions maillog_file_prefixes maillog_file_rotate_suffix notify_classes
        respectful_logging syslog_facility""",
    "of connections and sessions that are not kept here": """
        smtp_connection_cache_time_limit smtp_connection_reuse_count_limit smtp_connection_reuse_time_limit
        smtp_tls_session_cache_timeout connection_cache_protocol_timeout connection_cache_service_name
        tlsproxy_service_name tlsproxy_client_security_level""",
    "of SRV records, which are not asked for": "allow_srv_lookup_fallback ignore_srv_lookup_error",
    "for probes of an address, which are no deliveries": """
        smtp_address_verify_target address_verify_negative_cache address_verify_service_name
        address_verify_pending_request_limit address_verify_default_transport address_verify_local_transport
        address_verify_relay_transport address_verify_relayhost address_verify_transport_maps
        address_verify_sender_dependent_default_transport_maps address_verify_virtual_transport
        address_verify_sender_dependent_relayhost_maps""",
    "smtp(8) does not read it": """
        lmtp_assume_final lmtp_tls_fingerprint_digest smtpd_relay_before_recipient_restrictions
        smtpd_relay_restrictions smtpd_tls_fingerprint_digest tls_eecdh_strong_curve tls_eecdh_ultra_curve
        tls_preempt_cipherlist tls_server_sni_maps tls_session_ticket_cipher default_rbl_reply
        default_delivery_status_filter alias_database openssl_path""",
    "where randomness comes from": """
        tls_daemon_random_bytes tls_random_bytes tls_random_exchange_name tls_random_prng_update_period
        tls_random_reseed_period tls_random_source""",
    "how a connection ends, or DNS is cached": """
        tls_fast_shutdown_enable dns_ncache_ttl_fix_enable dnssec_probe tcp_windowsize""",
    "the transports that others' mail waits for; check has transport-deferred": "defer_transports",
    "when the next try is, and how many at a time": """
        bounce_queue_lifetime confirm_delay_cleared destination_concurrency_feedback_debug
        disable_verp_bounces initial_destination_concurrency maximal_backoff_time minimal_backoff_time
        qmgr_clog_warn_time qmgr_daemon_timeout qmgr_ipc_timeout qmgr_message_active_limit
        qmgr_message_recipient_limit qmgr_message_recipient_minimum queue_run_delay transport_retry_time""",
    "the route, about which check asks Postfix's own tables": """
        default_filter_nexthop default_transport local_transport relay_transport relayhost
        sender_dependent_default_transport_maps sender_dependent_relayhost_maps transport_maps
        virtual_transport virtual_alias_domains virtual_alias_maps virtual_mailbox_domains
        virtual_mailbox_maps relay_domains relocated_maps relocated_prefix_enable
        parent_domain_matches_subdomains empty_address_default_transport_maps_lookup_key
        empty_address_recipient empty_address_relayhost_maps_lookup_key""",
    "how an address is completed before it is looked up": """
        allow_min_user allow_percent_hack append_at_myorigin append_dot_mydomain remote_header_rewrite_domain
        resolve_dequoted_address resolve_null_domain resolve_numeric_domain show_user_unknown_table_name
        swap_bangpath owner_request_special""",
    "the machinery of Postfix, the same for all mail": """
        alternate_config_directories application_event_drain_time backwards_bounce_logfile_compatibility
        berkeley_db_create_buffer_size berkeley_db_read_buffer_size bounce_service_name cleanup_service_name
        command_directory compatibility_level daemon_directory daemon_table_open_error_is_fatal
        daemon_timeout data_directory default_cache_db_type default_database_type default_privs
        default_process_limit default_verp_delimiters defer_service_name deliver_lock_attempts
        deliver_lock_delay dont_remove double_bounce_sender enable_long_queue_ids error_service_name
        export_environment fast_flush_domains fault_injection_code flush_service_name fork_attempts
        fork_delay hash_queue_depth hash_queue_names import_environment in_flow_delay
        internal_mail_filter_classes ipc_idle ipc_timeout ipc_ttl known_tcp_ports lmdb_map_size mail_name
        mail_owner max_idle max_use meta_directory multi_instance_directories multi_instance_enable
        multi_instance_group multi_instance_name multi_instance_wrapper non_bdb_custom_mapping
        non_bdb_migration_level non_bdb_migration_log_redirect non_bdb_migration_service_name
        pickup_service_name postlog_service_name process_id process_id_directory process_name
        proxymap_service_name proxywrite_service_name queue_directory queue_service_name
        rewrite_service_name service_name setgid_group shlib_directory showq_service_name
        socketmap_max_reply_size stale_lock_time trace_service_name trigger_timeout
        verp_delimiter_filter""",
}

# qmgr(8) and spawn-like services: each transport has these under its own name, and default_ for all.
_OF_EACH_TRANSPORT = re.compile(
    r".+_(?:delivery_slot_(?:cost|discount|loan)|destination_concurrency_(?:failed_cohort_limit|limit"
    r"|negative_feedback|positive_feedback)|destination_rate_delay|destination_recipient_limit"
    r"|extra_recipient_limit|initial_destination_concurrency|minimum_delivery_slots|recipient_limit"
    r"|recipient_refill_delay|recipient_refill_limit|time_limit|transport_rate_delay)"
)
_FAMILIES = (
    (_OF_EACH_TRANSPORT, Rule(Decision.KEEP, "how many at a time, and how fast")),
    (re.compile(r"lmtp_.+"), Rule(Decision.KEEP, "read by lmtp(8), which is not our transport")),
)


def _rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for name, (value, reason) in _RESET.items():
        rules[name] = Rule(Decision.RESET, reason, value)
    for decision, reasons in (
        (Decision.RESET, _RESET_ELSEWHERE),
        (Decision.NAME, _NAME),
        (Decision.REFUSE, _REFUSE),
    ):
        rules.update((name, Rule(decision, reason)) for name, reason in reasons.items())
    for name, reason in _RESET_AS_RELEASED.items():
        rules[name] = Rule(Decision.RESET, reason, as_released=True)
    for reason, names in _KEEP.items():
        rules.update(dict.fromkeys(names.split(), Rule(Decision.KEEP, reason)))
    return rules


RULES: Mapping[str, Rule] = _rules()  #: by parameter


def rule_of(parameter: str) -> Rule | None:
    """Return the decision on a parameter, or None for one that no release we know has, or smtp(8) reads."""
    if parameter in RULES:
        return RULES[parameter]
    return next((rule for family, rule in _FAMILIES if family.fullmatch(parameter)), None)


def resets(known: Mapping[str, str]) -> dict[str, str]:
    """Return what attach sets on the transport, as far as neither our lists nor our paths decide on it.

    *known* are the values that the running Postfix has where nobody sets them, unexpanded; a parameter that
    is not among them is left out.
    """
    values = {name: known[name] if rule.as_released else rule.value for name, rule in _resets(known)}
    return {name: value for name, value in values.items() if value is not None}


def is_outdated(name: str, known: Mapping[str, str]) -> bool:
    """Tell whether the running Postfix, which has *known* where nobody sets them, complains of the name.

    Such a setting is written only where somebody has set it otherwise.
    """
    since = _OUTDATED_SINCE.get(name)
    release = re.match(r"(\d+)\.(\d+)", known.get("mail_version", ""))
    return since is not None and release is not None and (int(release[1]), int(release[2])) >= since


def _resets(names: Iterable[str]) -> list[tuple[str, Rule]]:
    wanted = frozenset(names)
    return [
        (name, rule)
        for name, rule in RULES.items()
        if rule.decision is Decision.RESET and name in wanted and (rule.as_released or rule.value is not None)
    ]

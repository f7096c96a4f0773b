"""What may stand between Contoso and Woodgrove when mail leaves, and what must become of the mail.

A table of scenarios: how each is set up, whether the message is delivered or held, and how the outbound
counters change.  Each begins with a good partner and a stock Postfix with the product attached;
``Scenario.set_up`` changes one thing, and ``good_again`` takes everything back.  To judge them by something
else, such as what ``check`` says before the message is sent, go through ``SCENARIOS`` in the same way.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .certificates import Authority, self_signed
from .files import put
from .laboratory import ADDRESSES, AUTHORITY_FILE, CERTIFICATES, CONTOSO, EVIL, FABRIKAM, WOODGROVE, Lab
from .product import Product
from .stripping_proxy import StrippingProxy

MAIL = f"mail.{WOODGROVE}"
SENDER = f"user@{CONTOSO}"
BOTH = f'[send]\ndomains = ["{WOODGROVE}", "{EVIL}"]\n'

_WOODGROVE_DEFAULTS = {
    "smtpd_tls_security_level": "may",
    "smtpd_tls_ask_ccert": "yes",
    "smtpd_tls_protocols": ">=TLSv1.2",
    "smtpd_tls_ciphers": "medium",
    "tls_server_sni_maps": "",
    "smtpd_tls_req_ccert": "no",
    "smtpd_tls_CAfile": str(AUTHORITY_FILE),
    "smtpd_recipient_restrictions": "",
    "smtpd_data_restrictions": "",
    "smtpd_end_of_data_restrictions": "",
}
_CONTOSO_DEFAULTS = {"relayhost": "", "smtp_tls_security_level": "may", "smtp_fallback_relay": ""}
_RULE = f'[partner."{WOODGROVE}"]\n'

SetUp = Callable[[Lab, Product], AbstractContextManager[Any] | None]


@dataclass(frozen=True)
class Scenario:
    """One thing that is different, and what must come of it."""

    name: str
    set_up: SetUp
    delivered: bool
    failures: Mapping[str, int] = field(default_factory=dict)  #: sessions that failed, by reason
    sent: Mapping[str, int] = field(
        default_factory=dict
    )  #: messages, by list entry; one of Woodgrove's if ``delivered``
    recipients: tuple[str, ...] = (f"admin@{WOODGROVE}",)

    @property
    def counted(self) -> dict[str, int]:
        """Return the messages counted as sent."""
        return dict(self.sent) or ({WOODGROVE: 1} if self.delivered else {})


def good_again(lab: Lab, product: Product) -> None:
    """Take back whatever a scenario changed, and empty Contoso's queue."""
    main = lab.namespaces.outside(lab.contoso.layout.configuration / "main.cf")
    if not main.with_suffix(".good").exists():
        main.with_suffix(".good").write_bytes(main.read_bytes())
    put(main, main.with_suffix(".good").read_bytes())
    lab.contoso.configure(**_CONTOSO_DEFAULTS)
    lab.woodgrove.configure(**_WOODGROVE_DEFAULTS)
    lab.present(lab.woodgrove, lab.identities[WOODGROVE])
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 {MAIL}.")
    rule(product, "")
    lab.namespaces.run("postsuper", "-d", "ALL")
    # Also lets the queue manager forget which destinations were in trouble.
    lab.contoso.reload()


def rule(product: Product, keys: str) -> None:
    """Give Woodgrove a rule of these keys, and wait until Postfix's tables say so."""
    product.reconfigure(BOTH + (_RULE + keys if keys else ""))


def _shows(issued: Callable[[Lab], Any]) -> SetUp:
    return lambda lab, _: lab.present(lab.woodgrove, issued(lab))


def _woodgrove(**parameters: str) -> SetUp:
    def set_up(lab: Lab, _: Product) -> None:
        lab.woodgrove.configure(**parameters)
        lab.woodgrove.reload()

    return set_up


def _contoso(**parameters: str) -> SetUp:
    def set_up(lab: Lab, _: Product) -> None:
        lab.contoso.configure(**parameters)
        lab.contoso.reload()

    return set_up


def _own_table(parameter: str, table: str) -> SetUp:
    """Put a table of the administrator's own behind ours, where ``relayhost`` alone would be."""

    def set_up(lab: Lab, _: Product) -> None:
        lab.contoso.configure(**{parameter: f"{lab.contoso.parameter(parameter)}, {table}"})
        lab.contoso.reload()

    return set_up


def _policy_table_before_ours(lab: Lab, _: Product) -> None:
    lab.contoso.configure(
        smtp_tls_policy_maps=f"static:none, {lab.contoso.parameter('smtp_tls_policy_maps')}"
    )
    lab.contoso.reload()


def _stripped(lab: Lab, _: Product) -> StrippingProxy:
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 mail.{FABRIKAM}.")
    return StrippingProxy(lab.namespaces, ADDRESSES[FABRIKAM], ADDRESSES[WOODGROVE])


def _mx(*records: str) -> SetUp:
    return lambda lab, _: lab.dns.replace(f"{WOODGROVE}.", *(f"{WOODGROVE}. MX {one}." for one in records))


def _rule(keys: str, before: SetUp | None = None) -> SetUp:
    def set_up(lab: Lab, product: Product) -> None:
        if before:
            before(lab, product)
        rule(product, keys)

    return set_up


def _pinned(lab: Lab, product: Product) -> None:
    own = self_signed("whatever")
    lab.present(lab.woodgrove, own)
    rule(product, f'send_method = "pin"\npins = ["sha256:{own.fingerprint}"]\n')


def _pinned_another(lab: Lab, product: Product) -> None:
    rule(product, f'send_method = "pin"\npins = ["sha256:{lab.identities[EVIL].fingerprint}"]\n')


def _authority_of_its_own(lab: Lab, product: Product) -> None:
    authority = Authority.create("Woodgrove's own authority")
    file = lab.namespaces.outside(CERTIFICATES / "woodgrove-root.pem")
    file.write_bytes(authority.certificate_pem)
    lab.present(lab.woodgrove, authority.issue(MAIL, dns_names=(MAIL,)))
    rule(product, f'send_ca_file = "{CERTIFICATES / "woodgrove-root.pem"}"\n')


def _other_authority(lab: Lab, product: Product) -> None:
    """The usual authority does not count where the partner has its own."""
    file = lab.namespaces.outside(CERTIFICATES / "other-root.pem")
    file.write_bytes(Authority.create("Another").certificate_pem)
    rule(product, f'send_ca_file = "{CERTIFICATES / "other-root.pem"}"\n')


def _distrusts_the_authority(lab: Lab, product: Product) -> None:
    """Nothing is left of the authorities then."""
    product.change("partner", "cert", "distrust", lab.authority.fingerprint)


def _distrusts_one_of_two(lab: Lab, product: Product) -> None:
    """Of a file of authorities the other is left, which did not issue the certificate."""
    file = lab.namespaces.outside(CERTIFICATES / "two-roots.pem")
    other = Authority.create("Another")
    file.write_bytes(lab.authority.certificate_pem + other.certificate_pem)
    rule(product, f'send_ca_file = "{CERTIFICATES / "two-roots.pem"}"\n')
    product.change("partner", "cert", "distrust", lab.authority.fingerprint)


def _distrusts_another(lab: Lab, product: Product) -> None:
    file = lab.namespaces.outside(CERTIFICATES / "two-roots.pem")
    other = Authority.create("Another")
    file.write_bytes(lab.authority.certificate_pem + other.certificate_pem)
    rule(product, f'send_ca_file = "{CERTIFICATES / "two-roots.pem"}"\n')
    product.change("partner", "cert", "distrust", f"sha256:{other.fingerprint}")


def _distrusts_the_pin(lab: Lab, product: Product) -> None:
    _pinned(lab, product)
    (pin,) = re.findall(r"sha256:[0-9a-f]{64}", product.text())
    product.change("partner", "cert", "distrust", pin)


def _by_server_name(lab: Lab, product: Product) -> None:
    """Woodgrove shows its certificate to those only who ask for it by name."""
    chain = CERTIFICATES / f"by-name.{WOODGROVE}.pem"
    lab.identities[WOODGROVE].write(lab.namespaces.outside(CERTIFICATES), f"by-name.{WOODGROVE}")
    table = Path(lab.woodgrove.layout.configuration / "sni")
    lab.namespaces.outside(table).write_text(f"sni.{WOODGROVE} {chain}\n")
    named = f"{lab.woodgrove.parameter('default_database_type')}:{table}"
    lab.namespaces.run("postmap", "-c", lab.woodgrove.layout.configuration, "-F", named)
    lab.woodgrove.configure(tls_server_sni_maps=named)
    lab.present(lab.woodgrove, lab.identities[EVIL])
    rule(product, f'servername = "sni.{WOODGROVE}"\n')


_OLD = {
    "smtpd_tls_protocols": "TLSv1",
    "smtpd_tls_ciphers": "low",
    "tls_low_cipherlist": "ALL:@SECLEVEL=0",
}
_NOT_OURS = "check_client_access static:{454 4.7.5 the certificate of contoso.test is not trusted}"
_TO_EVIL = f"inline:{{{WOODGROVE}=smtp:[{ADDRESSES[EVIL]}]}}"
_EXPIRED = datetime.now(UTC) - timedelta(hours=1)

SCENARIOS = (
    Scenario("right-certificate", lambda *_: None, delivered=True),
    Scenario("another-name", _shows(lambda lab: lab.identities[EVIL]), False, {"name-mismatch": 1}),
    Scenario("self-signed", _shows(lambda _: self_signed(MAIL, dns_names=(MAIL,))), False, {"untrusted": 1}),
    Scenario(
        "expired",
        _shows(lambda lab: lab.authority.issue(MAIL, dns_names=(MAIL,), not_after=_EXPIRED)),
        False,
        {"expired": 1},
    ),
    Scenario("no-starttls", _woodgrove(smtpd_tls_security_level="none"), False, {"no-tls": 1}),
    Scenario("starttls-stripped", _stripped, False, {"no-tls": 1}),
    Scenario("tls-1.0-only", _woodgrove(**_OLD), False, {"protocol": 1}),
    Scenario("no-certificate-asked", _woodgrove(smtpd_tls_ask_ccert="no"), True),
    Scenario("first-mx-bad", _mx(f"5 mail.{EVIL}", f"10 {MAIL}"), True, {"name-mismatch": 1}),
    Scenario("forged-mx", _mx(f"10 mail.{EVIL}"), False, {"name-mismatch": 1}),
    Scenario("pinned", _pinned, True),
    Scenario("pinned-another", _pinned_another, False, {"pin": 1}),
    Scenario("relayhost", _contoso(relayhost=f"[{ADDRESSES[EVIL]}]"), True),
    Scenario("fallback-relay", _contoso(smtp_fallback_relay=f"[{ADDRESSES[EVIL]}]"), True),
    Scenario("own-transport-entry", _own_table("transport_maps", _TO_EVIL), True),
    Scenario("policy-table-before-ours", _policy_table_before_ours, True),
    Scenario("level-none", _contoso(smtp_tls_security_level="none"), True),
    Scenario("via-relay", _rule(f'via = "[{MAIL}]:25"\n', _mx(f"10 mail.{EVIL}")), True),
    Scenario("via-wrong-relay", _rule(f'via = "[mail.{EVIL}]:25"\n'), False, {"name-mismatch": 1}),
    Scenario("authority-of-its-own", _authority_of_its_own, True),
    Scenario("other-authority", _other_authority, False, {"untrusted": 1}),
    Scenario("distrusted-authority", _distrusts_the_authority, False, {"configuration": 1}),
    Scenario("distrusted-of-two", _distrusts_one_of_two, False, {"untrusted": 1}),
    Scenario("distrusted-another", _distrusts_another, True),
    Scenario("distrusted-pin", _distrusts_the_pin, False, {"pin": 1}),
    Scenario("server-name", _by_server_name, True),
    Scenario(
        "refused-at-rcpt",
        _woodgrove(smtpd_recipient_restrictions=_NOT_OURS),
        False,
        {"client-certificate": 1},
        recipients=(f"a@{WOODGROVE}", f"b@{WOODGROVE}"),
    ),
    Scenario(
        "refused-at-data", _woodgrove(smtpd_data_restrictions=_NOT_OURS), False, {"client-certificate": 1}
    ),
    Scenario(
        "refused-at-end-of-data",
        _woodgrove(smtpd_end_of_data_restrictions=_NOT_OURS),
        False,
        {"client-certificate": 1},
    ),
    Scenario(
        "untrusted-by-the-partner",
        _woodgrove(
            smtpd_tls_security_level="encrypt",
            smtpd_tls_req_ccert="yes",
            smtpd_tls_CAfile="/etc/ssl/certs/ca-certificates.crt",
        ),
        False,
        {"client-certificate": 1},
    ),
    Scenario("capitals-in-dns", _mx(f"10 MAIL.{WOODGROVE.upper()}"), True),
    Scenario(
        "capitals-in-the-address",
        lambda *_: None,
        True,
        recipients=(f"admin@{WOODGROVE.upper()}",),
    ),
    Scenario(
        "three-recipients",
        lambda *_: None,
        True,
        recipients=tuple(f"{name}@{WOODGROVE}" for name in ("a", "b", "c")),
    ),
    Scenario(
        "two-domains",
        lambda *_: None,
        True,
        sent={WOODGROVE: 1, EVIL: 1},
        recipients=(f"admin@{WOODGROVE}", f"admin@{EVIL}"),
    ),
)  # fmt: skip


def entered(scenario: Scenario, lab: Lab, product: Product) -> AbstractContextManager[Any]:
    """Set a scenario up; what it needs to run ends with the context."""
    return scenario.set_up(lab, product) or nullcontext()

"""What the author's side can do about each verdict: the counterpart of ``policy/decision/settling``.

Owns: one instruction a verdict, for the administrator of the servers that sent the letter.
"""

from domain_secure.policy.decision.verdict import Verdict

_MENDING = {
    Verdict.PASS: "Nothing: a message sent like this letter proves to be from your domain.",
    Verdict.NO_TLS: (
        "Let your server use STARTTLS and show a client certificate (Postfix: smtp_tls_security_level = may, "
        "smtp_tls_chain_files; Exim: tls_certificate and tls_privatekey of the smtp transport)."
    ),
    Verdict.WEAK_TLS: "Update the TLS library of your server, or its list of protocols and ciphers.",
    Verdict.NO_CERTIFICATE: (
        "Let your server show a client certificate (Postfix: smtp_tls_chain_files; Exim: tls_certificate and "
        "tls_privatekey of the smtp transport; Exchange: the certificate that Set-SendConnector "
        "-TlsCertificateName names)."
    ),
    Verdict.UNTRUSTED: (
        "Show a certificate of an authority that the receiving side trusts, with every intermediate "
        "certificate behind it, or agree with its administrator on the digest of your public key."
    ),
    Verdict.DISTRUSTED: "Show another certificate, with another key; ask the receiving side why.",
    Verdict.NAME_MISMATCH: (
        "Show a certificate that has your mail domain, or a host under it, among its alternative names "
        "(dNSName), or agree on the name it has with the administrator of the receiving side."
    ),
    Verdict.EXPIRED: "Renew the certificate, or the one of its chain that is out of date.",
    Verdict.REVOKED: "Replace the certificate.",
    Verdict.NO_SIGNATURE: (
        "Sign with DKIM as well: rsa-sha256, d= your domain, every author field and the whole body covered."
    ),
    Verdict.UNKNOWN_CERTIFICATE: (
        "Send the certificate and its intermediate certificates to the administrator of the receiving side: "
        "Postfix tells only its digests, and no server of yours that could be asked has shown it."
    ),
    Verdict.REVOCATION_UNKNOWN: "Wait; then see that the CRL or OCSP server of your authority answers.",
    Verdict.DATES_UNKNOWN: "Wait, and compare the clocks of both sides.",
    Verdict.NOT_SET_UP: (
        "Agree with the administrator of the receiving side on how your servers prove themselves: by a "
        "certificate of an authority, a digest, or TLSA records that DNSSEC signs."
    ),
    Verdict.NO_EVIDENCE: (
        "Wait and write again: something could not be looked up, or seen, on the receiving side."
    ),
    Verdict.INTERNAL_ERROR: "Wait and write again: there was a fault on the receiving side.",
}


def mending(verdict: Verdict) -> str:
    """Return what the author's side can do, in one or two sentences."""
    return _MENDING.get(verdict, "Nothing.")

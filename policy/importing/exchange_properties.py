"""The properties that Exchange prints of its transport configuration, connectors and certificates.

Owns: what tells the four kinds of objects apart, and which properties are known to be about something else.
Sources: the reference pages of Set-TransportConfig, Set-SendConnector, Set-ReceiveConnector (Exchange 2007 to
2019) and Get-ExchangeCertificate; X509Certificate2 of .NET.  What is missing here is told to be unknown.
"""

from enum import StrEnum, unique


@unique
class Kind(StrEnum):
    """What printed an object."""

    TRANSPORT = "Get-TransportConfig"
    SEND = "Get-SendConnector"
    RECEIVE = "Get-ReceiveConnector"
    CERTIFICATE = "Get-ExchangeCertificate"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


#: Properties that objects of one kind alone have.
MARKS = {
    Kind.TRANSPORT: _names("TLSReceiveDomainSecureList TLSSendDomainSecureList InternalSMTPServers"),
    Kind.SEND: _names(
        "AddressSpaces DNSRoutingEnabled SmartHosts SmartHostAuthMechanism SourceTransportServers "
        "IsScopedConnector HomeMtaServerId ForceHELO IgnoreSTARTTLS TlsAuthLevel "
        "FrontendProxyEnabled"
    ),
    Kind.RECEIVE: _names(
        "AuthMechanism Bindings RemoteIPRanges PermissionGroups TlsDomainCapabilities "
        "RequireEHLODomain AdvertiseClientSettings TransportRole MaxInboundConnection"
    ),
    Kind.CERTIFICATE: _names("Thumbprint CertificateDomains RootCAType IsSelfSigned HasPrivateKey"),
}

#: Properties that an import goes by.
READ = {
    Kind.TRANSPORT: _names("TLSReceiveDomainSecureList TLSSendDomainSecureList InternalSMTPServers"),
    Kind.SEND: _names(
        "Name Identity Enabled DomainSecureEnabled DNSRoutingEnabled SmartHosts AddressSpaces Fqdn "
        "ProtocolLoggingLevel RequireTLS TlsAuthLevel TlsDomain IgnoreSTARTTLS TlsCertificateName"
    ),
    Kind.RECEIVE: _names(
        "Name Identity Enabled DomainSecureEnabled AuthMechanism ProtocolLoggingLevel RequireTLS "
        "TlsDomainCapabilities Fqdn Bindings TlsCertificateName"
    ),
    Kind.CERTIFICATE: _names("Thumbprint Services NotAfter IsSelfSigned CertificateDomains"),
}

_DIRECTORY = _names(
    "PSComputerName PSShowComputerName RunspaceId AdminDisplayName ExchangeVersion "
    "DistinguishedName Guid ObjectCategory ObjectClass WhenChanged WhenCreated WhenChangedUTC "
    "WhenCreatedUTC OrganizationId OriginatingServer IsValid ObjectState Id ExchangeObjectId "
    "OrganizationalUnitRoot Schema PSProvider MaximumSupportedExchangeObjectVersion IsReadOnly"
)

#: Properties that are known, and are not about who proves what to whom.
WITHOUT_BEARING = {
    Kind.TRANSPORT: _DIRECTORY
    | _names(
        "Name Identity AddressBookPolicyRoutingEnabled AnonymousSenderToRecipientRatePerHour "
        "ClearCategories AgentGeneratedMessageLoopDetectionInSmtpEnabled "
        "AgentGeneratedMessageLoopDetectionInSubmissionEnabled ConvertDisclaimerWrapperToEml "
        "ConvertReportToMessage CurrentTransportSystemState DiagnosticsAggregationServicePort "
        "DSNConversionMode ExternalDelayDsnEnabled ExternalDsnDefaultLanguage "
        "ExternalDsnLanguageDetectionEnabled ExternalDsnMaxMessageAttachSize "
        "ExternalDsnReportingAuthority ExternalDsnSendHtml ExternalPostmasterAddress "
        "GenerateCopyOfDSNFor HeaderPromotionModeSetting HygieneSuite InternalDelayDsnEnabled "
        "InternalDsnDefaultLanguage InternalDsnLanguageDetectionEnabled "
        "InternalDsnMaxMessageAttachSize InternalDsnReportingAuthority InternalDsnSendHtml "
        "JournalArchivingEnabled JournalingReportNdrTo JournalMessageExpirationDays "
        "JournalReportDLMemberSubstitutionEnabled LegacyArchiveJournalingEnabled "
        "LegacyArchiveLiveJournalingEnabled LegacyJournalingMigrationEnabled "
        "MaxAllowedAgentGeneratedMessageDepth MaxAllowedAgentGeneratedMessageDepthPerAgent "
        "MaxDumpsterSizePerDatabase MaxDumpsterSizePerStorageGroup MaxDumpsterTime MaxReceiveSize "
        "MaxRecipientEnvelopeLimit MaxRetriesForLocalSiteShadow MaxRetriesForRemoteSiteShadow "
        "MaxSendSize MessageExpiration MigrationEnabled OpenDomainRoutingEnabled "
        "OrganizationFederatedMailbox PreserveReportBodypart QueueDiagnosticsAggregationInterval "
        "RedirectDLMessagesForLegacyArchiveJournaling "
        "RedirectUnprovisionedUserMessagesForLegacyArchiveJournaling RejectMessageOnShadowFailure "
        "ReplyAllStormProtectionEnabled Rfc2231EncodingEnabled SafetyNetHoldTime "
        "ShadowHeartbeatFrequency ShadowHeartbeatRetryCount ShadowHeartbeatTimeoutInterval "
        "ShadowMessageAutoDiscardInterval ShadowMessagePreferenceSetting ShadowRedundancyEnabled "
        "ShadowResubmitTimeSpan SupervisionTags SmtpClientAuthenticationDisabled "
        "TransportRuleAttachmentTextScanLimit TransportRuleCollectionAddedRecipientsLimit "
        "TransportRuleCollectionRegexCharsLimit TransportRuleConfig TransportRuleLimit "
        "TransportRuleMinProductVersion TransportRuleRegexValidationTimeout TransportRuleSizeLimit "
        "VerifySecureSubmitEnabled VersionedInternalSMTPServers VoicemailJournalingEnabled "
        "WritingBrandingInDSNEnabled WritingBrandingEnabled Xexch50Enabled"
    ),
    Kind.SEND: _DIRECTORY
    | _names(
        "AuthenticationCredential CloudServicesMailEnabled Comment ConnectedDomains "
        "ConnectionInactivityTimeOut ConnectorType ErrorPolicies ForceHELO FrontendProxyEnabled "
        "HomeMTA HomeMtaServerId IsScopedConnector IsSmtpConnector LinkedReceiveConnector "
        "MaxMessageSize Port SmartHostAuthMechanism SmartHostsString SmtpMaxMessagesPerConnection "
        "SourceIPAddress SourceRoutingGroup SourceTransportServers UseExternalDNSServersEnabled"
    ),
    Kind.RECEIVE: _DIRECTORY
    | _names(
        "AdvertiseClientSettings AuthTarpitInterval Banner BareLinefeedRejectionEnabled "
        "BinaryMimeEnabled ChunkingEnabled Comment ConnectionInactivityTimeout ConnectionTimeout "
        "DefaultDomain DeliveryStatusNotificationEnabled EightBitMimeEnabled EnableAuthGSSAPI "
        "EnhancedStatusCodesEnabled ExtendedProtectionPolicy LiveCredentialEnabled "
        "LongAddressesEnabled MaxAcknowledgementDelay SuppressXAnonymousTls MaxHeaderSize "
        "MaxHopCount MaxInboundConnection MaxInboundConnectionPercentagePerSource "
        "MaxInboundConnectionPerSource MaxLocalHopCount MaxLogonFailures MaxMessageSize "
        "MaxProtocolErrors MaxRecipientsPerMessage MessageRateLimit MessageRateSource OrarEnabled "
        "PermissionGroups PipeliningEnabled ProxyEnabled RejectReservedSecondLevelRecipientDomains "
        "RejectReservedTopLevelRecipientDomains RejectSingleLabelRecipientDomains RemoteIPRanges "
        "RequireEHLODomain Server ServiceDiscoveryFqdn SizeEnabled SmtpUtf8Enabled TarpitInterval "
        "TransportRole"
    ),
    Kind.CERTIFICATE: _names(
        "PSComputerName PSShowComputerName RunspaceId AccessRules Archived CertificateRequest "
        "EnhancedKeyUsageList Extensions DnsNameList FriendlyName Handle HasPrivateKey IISServices "
        "Identity Issuer IssuerName KeyIdentifier NotBefore PolicyId PrivateKey "
        "PrivateKeyExportable PublicKey PublicKeySize RawData RootCAType SelfSigned "
        "SendAsTrustedIssuer SerialNumber ServicesStringForm SignatureAlgorithm Status Subject "
        "SubjectKeyIdentifier SubjectName Version"
    ),
}

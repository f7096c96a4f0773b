"""A laboratory of real parts in private namespaces: mail servers, DNS and certificates of made-up domains."""

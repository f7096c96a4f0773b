"""The inbound daemon: what Postfix says through milter and policy delegation becomes an answer."""

"""The inbound daemon: what Postfix says through milter and policy delegation becomes an answer."""

if __name__ == "milter":
    raise ImportError(
        "this folder is the package domain_secure.milter; with the repository root on sys.path it hides "
        "pymilter's C module of the same name: run the installed command, or pytest, instead of python -m"
    )

"""The command line, and the composition of the daemon: the only package that knows all the others."""

"""Whose mail is watched only, as the daemon goes by it: for whoever wants to be sure that it enforces."""

from itertools import islice

from domain_secure.policy.configuration.configuration import Configuration, Mode

_MOST = 1000


def observing(configuration: Configuration) -> list[str]:
    """Return the rules, or the entries of the receive list that go by the defaults, at most a thousand."""
    rules = (entry for entry, rule in configuration.partners.items() if rule.mode is Mode.OBSERVE)
    if configuration.mode is Mode.ENFORCE:
        return sorted(islice(rules, _MOST))
    listed = (entry for entry in configuration.receive if configuration.partner(entry).mode is Mode.OBSERVE)
    return sorted({*islice(rules, _MOST), *islice(listed, _MOST)})

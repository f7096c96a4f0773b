"""The keys of a partner behind a gateway that it shares with others, by one word.

Owns: which keys a recipe sets, and that what is asked for besides goes before it.
Must not know: what a gateway presents; that is ``policy/certificates/gateways``' part.
"""

from collections.abc import Mapping

from domain_secure.policy.certificates.gateways import RECIPES
from domain_secure.policy.configuration.configuration import Condition
from domain_secure.policy.terms.problems import Problem

GATEWAY = "gateway"  #: stands for the keys of a recipe, and never in a file


def with_recipe(values: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that ``gateway=WORD`` stands for, and the others as they are.

    ``gateway=`` takes the keys of a recipe out again.  Raises Problem for a word without a recipe.
    """
    others = {key: value for key, value in values.items() if key != GATEWAY}
    if GATEWAY not in values:
        return others
    word = values[GATEWAY].strip().lower()
    if not word:
        return {"receive_names": "", "send_names": "", "require": "", **others}
    if word not in RECIPES:
        raise Problem(
            "there is no recipe for this gateway",
            f"{GATEWAY}={values[GATEWAY]}",
            f"write one of {', '.join(RECIPES)}; or set receive_names, send_names and require yourself",
        )
    return {
        "receive_names": ",".join(RECIPES[word].receive_names),
        "send_names": ",".join(RECIPES[word].send_names),
        "require": Condition.DKIM,
        **others,
    }

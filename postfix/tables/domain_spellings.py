"""The spellings in which Postfix may look up one domain.

Owns: which labels are written in U-labels as well, and in how many combinations.
Must not know: tables.  Source: UTS 46, by whose rules Postfix goes.
"""

from itertools import product

import idna

_MOST_U_LABELS = 4  #: of one domain that are written in every combination


def spellings(domain: str) -> tuple[str, ...]:
    """Return the forms in which Postfix may look a domain up: each internationalised label either way.

    The first has A-labels alone, the last U-labels.  Of very many labels only these two are returned.
    """
    if "xn--" not in domain:
        return (domain,)
    labels = [(label, *_u_label(label)) for label in domain.split(".")]
    if sum(len(forms) - 1 for forms in labels) > _MOST_U_LABELS:
        labels = [(".".join(forms[0] for forms in labels), ".".join(forms[-1] for forms in labels))]
    return tuple(dict.fromkeys(".".join(forms) for forms in product(*labels)))


def _u_label(label: str) -> tuple[str, ...]:
    """Return the U-label of an A-label, if it has one by the rules of UTS 46, which are Postfix's.

    They allow more than IDNA 2008, symbols for instance.
    """
    try:
        text = label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else ""
        back = f"xn--{text.encode('punycode').decode()}"
        if not text.isascii() and back == label and idna.uts46_remap(text, std3_rules=False) == text:
            return (text,)
    except (UnicodeError, idna.IDNAError):
        pass
    return ()

"""Edit whom nobody is to be authenticated by, in a file or in the store of a fleet."""

from collections.abc import Collection

from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.toml import toml_edit

from .draft import Draft, Written
from .editing import told
from .policy_store import PolicyStore

_KEYS = ("trust", "distrusted")


def distrust(store: PolicyStore, pins: Collection[Pin]) -> tuple[Written, ...]:
    """Distrust certificates and keys, those that are not yet; return what was written.

    Raises Problem and OSError.
    """

    def change(draft: Draft) -> tuple[Written, ...]:
        present = draft.former.trust.distrusted
        added = [str(pin) for pin in dict.fromkeys(pins) if pin not in present]
        draft.edit(lambda text: toml_edit.edit_list(text, _KEYS, lambda _: True, added))
        return draft.write(lambda new: new.trust.distrusted == present | set(pins))

    return store.edit(change, told("partner cert distrust", [str(pin) for pin in pins]))


def undistrust(store: PolicyStore, pins: Collection[Pin]) -> tuple[Written, ...]:
    """Take certificates and keys off that list, in whatever spelling they stand there.

    Returns what was written; raises Problem and OSError.
    """

    def change(draft: Draft) -> tuple[Written, ...]:
        present = draft.former.trust.distrusted
        draft.edit(
            lambda text: toml_edit.edit_list(text, _KEYS, lambda written: Pin.parse(written) not in pins, ())
        )
        return draft.write(lambda new: new.trust.distrusted == present - set(pins))

    return store.edit(change, told("partner cert undistrust", [str(pin) for pin in pins]))

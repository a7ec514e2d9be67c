"""What can go wrong while delivering, as a tree.

DeliveryError
├── TooManyUnexpected    the handler fails on record after record: stop before more is dead-lettered
├── RecordTooLarge       an output would not fit its topic: the record that caused it is isolated
├── TransactionLost      a transaction failed underneath: the lane opens anew
├── LaneBroken           a lane can't be opened again and again: the worker exits without committing
├── NoProgress           records wait and nothing moves: the worker exits to be restarted
├── StateInUse           another process holds the state folder
├── KeyringUnusable      the keyring can't be read, or is none
├── NoKeyring            something is veiled, and there is no keyring to open it with
└── VeilBroken           something veiled was altered, or written with another keyring
"""


class DeliveryError(Exception):
    """Delivery can't go on as it is."""


class TooManyUnexpected(DeliveryError):
    """The handler failed on `limit` records in a row; nothing of the current slice was committed."""


class RecordTooLarge(DeliveryError):
    """An output is larger than its topic takes."""


class TransactionLost(DeliveryError):
    """A transaction had failed, most often by fencing, before it was committed."""


class LaneBroken(DeliveryError):
    """A lane failed to open or commit too often in a row."""


class NoProgress(DeliveryError):
    """Records wait, and the lane that owns them did not move within the limit."""


class StateInUse(DeliveryError):
    """The state folder is locked by another process."""


class KeyringUnusable(DeliveryError):
    """The file of the keyring can't be read, or is none."""


class NoKeyring(DeliveryError):
    """Something veiled is to be read, and there is no keyring."""


class VeilBroken(DeliveryError):
    """Something veiled was altered, or written with another keyring."""

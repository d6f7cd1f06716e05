"""Errors of a restore, one class each. The docstring is the message that a person reads."""


class RestoreError(Exception):
    """The restore cannot be completed."""

    def __init__(self, **facts: object) -> None:
        super().__init__((self.__doc__ or "").format(**facts))


class NotRestored(RestoreError):
    """This database is open, nothing says that it was restored. If it was all the same: --restored."""


class RelayRunning(RestoreError):
    """{relays} relays are connected to the database: stop all processes of the shop first."""


class NotMigrated(RestoreError):
    """Migrations of this release are missing: run manage.py migrate first."""


class NotTheOwner(RestoreError):
    """Sequences are moved by the owner of the tables: name it in SHOP_ADMIN_DATABASE_URL, as for migrate."""


class NoErasures(RestoreError):
    """There is no file {path}. Bring the file of erasures back; if nobody was forgotten: --no-erasures."""


class NotLost(RestoreError):
    """{order} is no lost order: manage.py lost_orders lists them."""


class NotKnown(RestoreError):
    """{order} itself is lost, not only a charge of it: --reinstate, --keep or --refund it."""


class HasLeft(RestoreError):
    """The parcel of {order} is on its way ({tracking}): --keep its money, or --refund it --although-sent."""


class NoCopy(RestoreError):
    """No message about {order} tells what was ordered: --refund it, and let the customer order again."""


class ReasonMissing(RestoreError):
    """Say who decides, and why: --by NAME --reason TEXT."""

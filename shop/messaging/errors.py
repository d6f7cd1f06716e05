"""Exceptions of messaging, and their representation as text in the database."""


def without_nul(text: object) -> str:
    r"""Return ``text`` with NUL characters written as ``\x00``; PostgreSQL stores none."""
    return str(text).replace("\x00", "\\x00")


def describe(error: BaseException) -> str:
    """Return the type and message of ``error`` as text that PostgreSQL can store."""
    return f"{type(error).__name__}: {without_nul(error)}"


class MessagingError(Exception):
    """Base class of the kernel's exceptions."""


class NotInTransaction(MessagingError):
    """publish() and schedule() need an open transaction: wrap them and the state change in unit_of_work()."""


class WrittenTwice(MessagingError):
    """A unit of work defers two writes to one table: of two changes to a row one would be lost."""


class UndeclaredEvent(MessagingError):
    """A consumer published an event that its ``emits=`` does not declare: add it there."""


class UnknownEventType(MessagingError):
    """No event class is registered for this type."""


class InvalidMessage(MessagingError):
    """The message is not a valid CloudEvent, or its data does not fit the schema of its type."""


class Forged(MessagingError):
    """The message does not come from the shop: no valid signature, no such event in the log."""


class TooEarly(MessagingError):
    """Raise this in a consumer that needs a predecessor event first: the event is deferred until it comes."""


class PermanentFailure(MessagingError):
    """Raise this in a consumer when no retry can help: the event becomes a dead letter at once."""


class WorkerLost(MessagingError):
    """The consumer killed its worker process repeatedly."""


class BreakingChange(MessagingError):
    """A change to an event's schema breaks its readers or old messages: add a new version instead."""


class Refused(MessagingError):
    """The broker rejected published messages (``basic.nack``)."""


class AlreadyConsumed(MessagingError):
    """The consumer has consumed this event before; its effects stand."""


class InsideTransaction(MessagingError):
    """A provider must not be called inside a transaction: commit the intent first, then call."""


class NotOpened(MessagingError):
    """The database was restored from a backup: run `manage.py after_restore`, which opens it again."""


class LostByRestore(MessagingError):
    """The log does not have it: it is of the time that a restore has lost. See `manage.py lost_orders`."""


class CannotPause(MessagingError):
    """The consumer cannot be paused or resumed by hand; the message says why."""

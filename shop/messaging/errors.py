"""What can go wrong in messaging, one class each."""


def without_nul(text: object) -> str:
    """Return ``text`` without NUL characters, which PostgreSQL cannot store and a stranger may send."""
    return str(text).replace("\x00", "\\x00")


def describe(error: BaseException) -> str:
    """Describe an error in one line that PostgreSQL can store."""
    return f"{type(error).__name__}: {without_nul(error)}"


class MessagingError(Exception):
    """Something went wrong in messaging."""


class NotInTransaction(MessagingError):
    """publish() and schedule() need an open transaction: wrap the state change and them in one atomic()."""


class WrittenTwice(MessagingError):
    """A transaction writes a table along with its events twice: of two changes of a row one would be lost."""


class UndeclaredEvent(MessagingError):
    """A consumer published an event that its ``emits=`` does not name: add it there."""


class UnknownEventType(MessagingError):
    """No event of this type is known here."""


class InvalidMessage(MessagingError):
    """The message is no valid CloudEvent, or its data does not fit the schema of its type."""


class TooEarly(MessagingError):
    """Raise it in a consumer whose predecessor event has not come: the event is parked until it did."""


class PermanentFailure(MessagingError):
    """Raise it in a consumer when no retry can help: the event becomes a dead letter at once."""


class WorkerLost(MessagingError):
    """The consumer took its worker process down with it, time and again."""


class BreakingChange(MessagingError):
    """An event's schema was changed so that readers of it, or of old messages, break: make a new version."""


class Refused(MessagingError):
    """The broker took messages and did not want to keep them."""


class AlreadyConsumed(MessagingError):
    """This consumer has consumed this event before; its effects stand."""


class InsideTransaction(MessagingError):
    """A provider must not be called inside a transaction: commit the intent first, then call."""

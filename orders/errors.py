"""Errors of orders, one class each. The docstring is the message that a person reads."""

import math
from dataclasses import dataclass

from django.utils.translation import gettext

from shop.messaging.errors import PermanentFailure


class OrdersError(Exception):
    """The order cannot do this."""

    def __init__(self, **facts: object) -> None:
        super().__init__(gettext(str(self.__doc__)).format(**facts))


class IllegalTransition(OrdersError):
    """{number} is {status}: it cannot become {to}."""


class UnknownOrder(OrdersError, PermanentFailure):
    """There is no order {order}."""


class NoSuchEvent(OrdersError):
    """{number} has no event {sequence}: its events are numbered from 1."""


class TooLateToCancel(OrdersError):
    """{number} is {status}: it is too late to cancel it."""


class NotWaiting(OrdersError):
    """{number} is {status}: only an order that needs attention can go on waiting."""


class NothingToWaitFor(OrdersError):
    """{number} cannot go on waiting: {why}, and nothing more will come. {remedy}."""


class NotSettleable(OrdersError):
    """{number} is {status}: only an order that needs attention can be settled."""


class CancelInstead(OrdersError):
    """{number} can still be cancelled: cancel it instead of settling it."""


class ReasonMissing(OrdersError):
    """Say why {number} is settled: the reason is kept for ever."""


class NotPayable(OrdersError):
    """{number} is {status}: only an order that waits for its payment can be paid."""


class PaymentFinal(OrdersError):
    """{number} was placed without retry_payment: place another order to pay by other means."""


class PaymentUnderWay(OrdersError):
    """A payment of {number} is under way: read the order again in a moment."""


class PaymentOverdue(OrdersError):
    """{number} was to be paid by {due}: place another order."""


class TooManyAttempts(OrdersError):
    """The payment of {number} was tried {times} times: place another order."""


class NotRefundable(OrdersError):
    """{number} is {status}: {why}."""


class MoreThanIsLeft(OrdersError):
    """Only {left} of {number} can still be given back: request no more than that."""


class LinesRefunded(OrdersError):
    """{refunded} of {ordered} {sku} are refunded already, or are to be: request at most {left}."""


class TooEarlyToRestock(OrdersError):
    """The parcel of {number} has not left, and its goods cannot be back: refund it without restocking."""


class NotReturnable(OrdersError):
    """Nothing of {number} can be sent back: {why}."""


class LinesTaken(OrdersError):
    """{taken} of {ordered} {sku} are given back already, or are to be: send at most {left} back."""


class UnknownReturn(OrdersError, PermanentFailure):
    """{number} has no return {id}."""


class IllegalReturn(OrdersError):
    """The return is {state}: it cannot be {act}."""


class MoreThanIsAwaited(OrdersError):
    """{awaited} of {sku} are awaited: receive no more than that."""


class NotResendable(OrdersError):
    """{number} cannot be sent again: {why}."""


class NotUndelivered(OrdersError):
    """{number} does not need attention for its parcel: refund it without settling it."""


class NothingLeft(OrdersError):
    """Nothing of {number} is left to give back: settle it, and book goods that came back into the stock."""


class OrdersStillOpen(OrdersError):
    """The customer's orders {numbers} have not ended: cancel them, or wait until they are delivered."""


class IdempotencyKeyReused(OrdersError):
    """The Idempotency-Key {key} was used for a different order before: choose a new one."""


class TooManyOrders(OrdersError):
    """You have placed {quota} orders within a minute: try again in {wait} seconds."""

    def __init__(self, *, quota: int, wait: float) -> None:
        #: Whole seconds.
        self.wait = max(1, math.ceil(wait))
        super().__init__(quota=quota, wait=self.wait)


@dataclass(frozen=True)
class Problem:
    """Problem of an order request, with its remedy."""

    #: The field; a number is the position in ``lines``.
    path: tuple[str | int, ...]
    message: str
    code: str


class InvalidOrder(OrdersError):
    """The order cannot be accepted: {reasons}"""  # noqa: D415 - the reasons are sentences

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(reasons=" ".join(problem.message for problem in problems))


class InvalidReturn(InvalidOrder):
    """The return cannot be recorded: {reasons}"""  # noqa: D415 - the reasons are sentences


class InvalidRefund(InvalidOrder):
    """The refund cannot be requested: {reasons}"""  # noqa: D415 - the reasons are sentences


class NotReinstatable(OrdersError):
    """{number} cannot be entered again as it was: {why}."""


class OrderErased(OrdersError):
    """The customer of {number} was forgotten: write no notes about it."""


class TooManyTags(OrdersError):
    """{number} has {most} tags: take one away first."""


class UnknownTag(OrdersError):
    """{number} has no tag “{name}”."""


class AddressBookFull(OrdersError):
    """Your address book is full: remove an address first."""


class UnknownAddress(OrdersError):
    """There is no such address in your address book."""

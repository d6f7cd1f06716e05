"""Queries of payments for other parts of the shop, answered with plain data."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils import timezone

from payments.confirmation import HOSTED_PAGE as HOSTED_PAGE
from payments.confirmation import has_hosted_page as has_hosted_page
from payments.disputes import DisputeStatus
from payments.gateway import LedgerLine, provider_ledger
from payments.models import Dispute, Payment, Refund, attempt_of, order_of
from shop.messaging.contracts import Money
from shop.waiting import Waiting, waiting

#: Book, and held, captured and refunded amounts of an order in it.
_Line = tuple[UUID, str, Decimal, Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class RefundInfo:
    """Refund as other parts of the shop see it."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    reason: str
    #: ``requested``, ``pending``, ``succeeded`` or ``failed``.
    state: str
    amount: Money
    attempt: int
    failure_code: str
    created_at: datetime
    updated_at: datetime
    #: True if an operator may retry it.
    can_be_retried: bool


@dataclass(frozen=True, slots=True)
class PaymentInfo:
    """Payment with its refunds, as other parts of the shop see it."""

    id: UUID
    order_id: UUID
    order_number: str
    #: A state of Stripe's PaymentIntents.
    state: str
    amount: Money
    captured: Money
    refunded: Money
    #: End of the hold.
    authorised_until: datetime | None
    method: str
    reference: str
    failure_code: str
    failure_message: str
    stop_reason: str
    created_at: datetime
    updated_at: datetime
    refunds: tuple[RefundInfo, ...]

    @property
    def is_to_be_refunded(self) -> bool:
        """True if it was charged, and no refund of all that is left was begun."""
        whole = (refund for refund in self.refunds if refund.reason != Refund.REQUESTED_PART)
        return self.state == Payment.State.SUCCEEDED and not any(whole)


@dataclass(frozen=True, slots=True)
class Balance:
    """Held, captured and refunded amounts of an order, in the shop's books and in the provider's."""

    order_id: UUID
    held: Decimal
    captured: Decimal
    refunded: Decimal
    provider_held: Decimal
    provider_captured: Decimal
    provider_refunded: Decimal
    #: Part of the refunded amount that the provider gave back without the shop.
    goodwill: Decimal
    #: Part of the refunded amount that was given back without the provider.
    otherwise: Decimal

    @property
    def kept(self) -> Decimal:
        """Amount that the shop keeps for the order."""
        return self.captured - self.refunded

    @property
    def agrees(self) -> bool:
        """True if both books agree."""
        ours = (self.held, self.captured, self.refunded - self.otherwise)
        return ours == (self.provider_held, self.provider_captured, self.provider_refunded)

    @property
    def provider_gave_more(self) -> bool:
        """True if the provider has given back more than the shop knows of."""
        return self.provider_refunded > self.refunded - self.otherwise


@dataclass(frozen=True, slots=True)
class UnknownCharge:
    """Charge in the provider's books that the shop does not know, as after a restore."""

    order_id: UUID
    key: str
    #: The shop has a payment of the order, and no such attempt to pay it.
    order_is_known: bool
    held: Money
    captured: Money
    refunded: Money

    @property
    def kept(self) -> Decimal:
        """Amount that is held or taken, and not given back."""
        return self.held.amount + self.captured.amount - self.refunded.amount


def unknown_charges() -> Iterator[UnknownCharge]:
    """Yield the charges in the provider's books that belong to no payment, or to no attempt of one.

    Attempts are counted up, so that one above the latest is unknown. It may be a renewal under way.
    """
    for lines in _batches(provider_ledger()):
        orders = {line.key: order_of(line.key) for line in lines}
        payments = Payment.objects.filter(order_id__in=orders.values())
        latest = dict(payments.values_list("order_id", "attempt"))
        for line in lines:
            order_id = orders[line.key]
            if attempt_of(line.key) > latest.get(order_id, 0):
                sums = (Money.stored(sum, line.currency) for sum in (line.held, line.captured, line.refunded))
                yield UnknownCharge(order_id, line.key, order_id in latest, *sums)


def _batches(lines: Iterable[LedgerLine], size: int = 1000) -> Iterator[list[LedgerLine]]:
    iterator = iter(lines)
    while batch := list(islice(iterator, size)):
        yield batch


def payments_of(order_id: UUID) -> list[PaymentInfo]:
    """Return the payments of an order: one, or none before its OrderCreated is consumed."""
    payments = Payment.objects.filter(order_id=order_id).prefetch_related("refunds")
    return [_payment_info(payment) for payment in payments]


def failed_refunds(*, limit: int = 50) -> list[RefundInfo]:
    """Return failed refunds, which wait for an operator, latest failure first."""
    failed = _failed().select_related("payment")
    return [_refund_info(refund) for refund in failed.order_by("-updated_at")[:limit]]


def refunds_waiting() -> Waiting:
    """Return the failed refunds, which wait for an operator."""
    return waiting(_failed(), "updated_at")


def _failed() -> QuerySet[Refund]:
    """Return the failed refunds that are still owed, as ``Refund.is_moot`` tells of one."""
    is_held = Q(payment__state=Payment.State.REQUIRES_CAPTURE)
    taken = F("payment__amount_captured") - F("payment__amount_refunded")
    left = Case(When(is_held, then=F("payment__amount")), default=taken) - F("payment__amount_refund_open")
    moot = Q(reason=Refund.REQUESTED_PART, amount__gt=left)
    return Refund.objects.filter(state=Refund.State.FAILED).exclude(moot)


def disputes_waiting() -> Waiting:
    """Return the disputes for which the provider waits for the shop's evidence."""
    return waiting(Dispute.objects.filter(status=DisputeStatus.NEEDS_RESPONSE), "created_at")


def declined_since(moment: datetime) -> int:
    """Count the payments that were declined since then."""
    return Payment.objects.filter(state=Payment.State.DECLINED, updated_at__gte=moment).count()


def unanswered_payments(*, grace: timedelta) -> list[PaymentInfo]:
    """Return payments whose outcome is still unknown after ``grace``."""
    asked = Payment.objects.filter(state=Payment.State.PROCESSING, updated_at__lt=timezone.now() - grace)
    return [_payment_info(payment) for payment in asked.order_by("id").prefetch_related("refunds")]


def unconfirmed_payments(*, grace: timedelta) -> list[PaymentInfo]:
    """Return payments that have awaited their customers for longer than ``grace``."""
    old = Payment.objects.filter(state=Payment.State.REQUIRES_ACTION, updated_at__lt=timezone.now() - grace)
    return [_payment_info(payment) for payment in old.order_by("id").prefetch_related("refunds")]


def open_refunds(*, grace: timedelta) -> list[RefundInfo]:
    """Return refunds without an outcome that have not changed for ``grace``; none that awaits a capture."""
    old = Refund.objects.filter(state__in=Refund.OPEN, updated_at__lt=timezone.now() - grace)
    waiting = old.exclude(payment__state=Payment.State.REQUIRES_CAPTURE)
    return [_refund_info(refund) for refund in waiting.order_by("id").select_related("payment")]


def requested_parts() -> Iterator[tuple[UUID, UUID, str, Decimal]]:
    """Stream order, id, state and amount of the refunds that staff requested, by order."""
    parts = Refund.objects.filter(reason=Refund.REQUESTED_PART).order_by("payment__order_id", "id")
    return parts.values_list("payment__order_id", "id", "state", "amount").iterator()


def refund_state(refund_id: UUID) -> str | None:
    """Return the state of a refund; None if payments knows no such refund."""
    return Refund.objects.filter(pk=refund_id).values_list("state", flat=True).first()


def balances() -> Iterator[Balance]:
    """Yield the balance of every order, for audits, also of orders that are in only one of the books.

    Sorted by order id. The books may differ for a moment while a payment is under way.
    """
    books = merge(_own_books(), sorted(_provider_books()), _unasked_refunds(), key=itemgetter(0))
    for order_id, lines in groupby(books, key=itemgetter(0)):
        sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for _, whose, *amounts in lines:  # the provider has a line for each attempt
            sums[whose] = [a + b for a, b in zip(sums[whose], amounts, strict=True)]
        held, captured, refunded = sums["ours"]
        provider_held, provider_captured, provider_refunded = sums["provider's"]
        yield Balance(
            order_id,
            held=held,
            captured=captured,
            refunded=refunded,
            provider_held=provider_held,
            provider_captured=provider_captured,
            provider_refunded=provider_refunded,
            goodwill=sums[Refund.Channel.PROVIDER.value][2],
            otherwise=sums[Refund.Channel.OTHERWISE.value][2],
        )


def _own_books() -> Iterator[_Line]:
    payments = Payment.objects.order_by("order_id")
    for order_id, state, amount, captured, refunded in payments.values_list(
        "order_id", "state", "amount", "amount_captured", "amount_refunded"
    ).iterator():
        held = amount if state == Payment.State.REQUIRES_CAPTURE else Decimal(0)
        yield order_id, "ours", held, captured, refunded


def _provider_books() -> Iterator[_Line]:
    for line in provider_ledger():
        yield order_of(line.key), "provider's", line.held, line.captured, line.refunded


def _unasked_refunds() -> Iterator[_Line]:
    """Yield the sums of refunds that the provider did not make for the shop, by channel."""
    unasked = Refund.objects.filter(state=Refund.State.SUCCEEDED).exclude(channel=Refund.Channel.SHOP)
    sums = unasked.order_by("payment__order_id").values_list("payment__order_id", "channel")
    for order_id, channel, amount in sums.annotate(amount_in_all=Sum("amount")).iterator():
        yield order_id, channel, Decimal(0), Decimal(0), amount


def _payment_info(payment: Payment) -> PaymentInfo:
    return PaymentInfo(
        id=payment.id,
        order_id=payment.order_id,
        order_number=payment.order_number,
        state=payment.state,
        amount=payment.money,
        captured=Money.stored(payment.amount_captured, payment.currency),
        refunded=Money.stored(payment.amount_refunded, payment.currency),
        authorised_until=payment.authorised_until,
        method=payment.method,
        reference=payment.reference,
        failure_code=payment.failure_code,
        failure_message=payment.failure_message,
        stop_reason=payment.stop_reason,
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        refunds=tuple(_refund_info(refund) for refund in payment.refunds.all()),
    )


def _refund_info(refund: Refund) -> RefundInfo:
    return RefundInfo(
        id=refund.id,
        payment_id=refund.payment_id,
        order_id=refund.payment.order_id,
        reason=refund.reason,
        state=refund.state,
        amount=refund.money,
        attempt=refund.attempt,
        failure_code=refund.failure_code,
        created_at=refund.created_at,
        updated_at=refund.updated_at,
        can_be_retried=refund.state == Refund.State.FAILED and not refund.is_moot,
    )

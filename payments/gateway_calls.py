"""Calls to the payment gateway. After a timeout, the outcome is looked up by the call's key.

Gateways refuse to hold nothing. A payment of nothing, and its refund, succeed without a call.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from payments.disputes import ProviderDispute
from payments.gateway import (
    CancelRequest,
    CaptureRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    GatewayTimeout,
    GivenBack,
    ProviderRefund,
    RefundStatus,
    gateway,
)
from payments.models import Payment, Refund
from shop.messaging.errors import TooEarly
from shop.messaging.providers import Results, call_each

#: Statuses that a cancellation ends.
_CANCELLABLE = {ChargeStatus.REQUIRES_ACTION, ChargeStatus.REQUIRES_CAPTURE}


def authorise_each(payments: Mapping[UUID, Payment]) -> Results[Charge]:
    """Authorise payments, and cancel those that are to be stopped.

    Args:
        payments: open payments by order id, as are the results.
    """
    return call_each(payments, _authorise_or_cancel, call_together=_authorise_together)


def authorise_as(key: str, payment: Payment) -> Charge:
    """Hold the amount of a payment under another key than its own.

    Raises:
        GatewayTimeout, GatewayUnavailable: it may not be held; call again.
    """
    return gateway().authorise(key=key, amount=payment.money, token=payment.method, order_id=payment.order_id)


def capture_each(payments: Mapping[UUID, Payment]) -> Results[Charge]:
    """Capture payments that are held. TooEarly is the error of one whose hold is about to be replaced.

    Args:
        payments: payments by order id, as are the results.
    """
    return call_each(payments, _capture, call_together=_capture_together)


def cancel(payment: Payment) -> Charge:
    """Cancel a payment; return it as it stands at the gateway, which may have captured it before.

    Raises:
        GatewayTimeout, GatewayUnavailable: the amount may still be held or taken.
    """
    if payment.is_free:
        return Charge("", ChargeStatus.CANCELED)
    _end_renewal(payment)
    return release(payment)


def release(payment: Payment) -> Charge:
    """Cancel the present hold of a payment alone, in whose place another one may stand."""
    return cancel_key(payment.idempotency_key, payment.reference)


def cancel_together(payments: Mapping[UUID, Payment]) -> dict[UUID, Charge]:
    """Cancel payments in one call; those without an outcome are missing from the result.

    Args:
        payments: payments by order id, as is the result.
    """
    order_ids = {payment.idempotency_key: order_id for order_id, payment in payments.items()}
    wanted = [
        CancelRequest(payment.idempotency_key, payment.reference)
        for payment in payments.values()
        if not payment.is_free and not payment.may_be_renewed
    ]
    return {order_ids[key]: charge for key, charge in gateway().cancel_many(wanted).items()}


def cancel_key(key: str, charge: str) -> Charge:
    """Cancel what is held under a key, as cancel() does; the reference may be unknown, and empty."""
    try:
        return gateway().cancel(key=key, charge=charge)
    except GatewayTimeout:
        return _find(key, charge, but_not=_CANCELLABLE)


def find_or_cancel(payment: Payment) -> Charge | None:
    """Look up a payment, or cancel it if it is to be stopped.

    None if the gateway has not finished an authorisation.

    Raises:
        TooEarly: another hold is about to take the place of the present one.
    """
    if payment.stop_requested:
        return cancel(payment)
    if payment.is_free:
        return _authorise(payment)
    found = gateway().find(key=payment.idempotency_key, charge=payment.reference)
    if found:
        _check_not_replaced(payment, found)
    return found


def still_holds(payment: Payment) -> bool:
    """Tell whether the gateway holds the amount of a payment by its present attempt."""
    found = gateway().find(key=payment.idempotency_key, charge=payment.reference)
    return found is not None and found.status == ChargeStatus.REQUIRES_CAPTURE


def request_refund(refund: Refund) -> ProviderRefund:
    """Request a refund, or look up one that is pending.

    Raises:
        GatewayTimeout, GatewayUnavailable: the refund may not have been accepted.
    """
    if not refund.amount:
        return ProviderRefund("", RefundStatus.SUCCEEDED)
    key, charge = refund.idempotency_key, refund.payment.reference
    known = gateway().find_refund(key=key, charge=charge) if refund.state == Refund.State.PENDING else None
    if known:
        return known
    try:
        return gateway().refund(key=key, charge=charge, amount=refund.money)
    except GatewayTimeout:
        found = gateway().find_refund(key=key, charge=charge)
        if found is None:
            raise
        return found


def find_refunds(charge: str) -> Sequence[GivenBack]:
    """Look up all that the provider has given back of a charge, whoever requested it.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_refunds(charge=charge) if charge else ()


def find_disputes(charge: str) -> Sequence[ProviderDispute]:
    """Look up the disputes of a charge.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_disputes(charge=charge) if charge else ()


def find_order(charge: str) -> UUID | None:
    """Look up the order of a charge that the shop has not recorded.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_order(charge=charge)


def _authorise_or_cancel(payment: Payment) -> Charge:
    return cancel(payment) if payment.stop_requested else _authorise(payment)


def _authorise_together(payments: Mapping[UUID, Payment]) -> dict[UUID, Charge]:
    order_ids = {payment.idempotency_key: order_id for order_id, payment in payments.items()}
    wanted = [
        _request(payment)
        for payment in payments.values()
        if not payment.stop_requested and not payment.is_free
    ]
    return {order_ids[key]: charge for key, charge in gateway().authorise_many(wanted).items()}


def _authorise(payment: Payment) -> Charge:
    if payment.is_free:
        return Charge("", ChargeStatus.SUCCEEDED)
    try:
        return gateway().authorise(**_request(payment)._asdict())
    except GatewayTimeout:
        return _find(payment.idempotency_key, payment.reference)


def _request(payment: Payment) -> ChargeRequest:
    return ChargeRequest(payment.idempotency_key, payment.money, payment.method, payment.order_id)


def _capture_together(payments: Mapping[UUID, Payment]) -> dict[UUID, Charge]:
    order_ids = {payment.capture_key: order_id for order_id, payment in payments.items()}
    wanted = [_capture_request(payment) for payment in payments.values() if not payment.may_be_renewed]
    return {order_ids[key]: charge for key, charge in gateway().capture_many(wanted).items()}


def _capture(payment: Payment) -> Charge:
    try:
        charge = gateway().capture(**_capture_request(payment)._asdict())
    except GatewayTimeout:
        but_not = {ChargeStatus.REQUIRES_CAPTURE}
        charge = _find(payment.idempotency_key, payment.reference, but_not=but_not)
    if charge.status == ChargeStatus.SUCCEEDED:
        _end_renewal(payment)
    _check_not_replaced(payment, charge)
    return charge


def _check_not_replaced(payment: Payment, charge: Charge) -> None:
    """Raise TooEarly if a hold was released for its renewal, and this is not stored yet."""
    is_released = charge.status == ChargeStatus.CANCELED and not payment.stop_requested
    renewed = gateway().find(key=payment.renewal_key) if is_released and payment.may_be_renewed else None
    if renewed and renewed.status == ChargeStatus.REQUIRES_CAPTURE:
        raise TooEarly(f"{payment.renewal_key} holds the amount, and is not stored yet")


def _end_renewal(payment: Payment) -> None:
    """Release what a renewal may hold whose answer was lost, or that is under way."""
    if payment.may_be_renewed:
        cancel_key(payment.renewal_key, "")


def _capture_request(payment: Payment) -> CaptureRequest:
    return CaptureRequest(payment.capture_key, payment.reference, payment.to_capture)


def _find(key: str, charge: str, *, but_not: Collection[ChargeStatus] = ()) -> Charge:
    """Look up what a call without an answer did; if it did nothing, it may be under way."""
    found = gateway().find(key=key, charge=charge)
    if found is None or found.status in but_not:
        raise GatewayTimeout(f"the gateway has not answered about {key}")
    return found

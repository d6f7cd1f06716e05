"""Simulated gateway behind the port: idempotent by key. It commits by itself, as a remote one does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, Sum

from payments.confirmation import REFUSED as NOT_AUTHENTICATED
from payments.disputes import DisputeStatus, ProviderDispute
from payments.errors import KeyReused, UnknownCharge
from payments.gateway import (
    CancelRequest,
    CaptureRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    GatewayTimeout,
    GatewayUnavailable,
    GivenBack,
    LedgerLine,
    ProviderRefund,
)
from payments.simulator.books import (
    GatewayFault,
    SimulatedCharge,
    SimulatedRefund,
    bank_page,
    charge_reference,
)
from payments.simulator.tokens import CAPTURE_FAILS, Behaviour, behaviour_of
from shop.messaging.contracts import Money
from shop.messaging.providers import check_outside_transaction
from shop.postgres import json_text
from shop.postgres.statements import insert_once
from shop.simulation.faults import faulty
from shop.webhooks.endpoints import Notice

#: Number of look-ups after which a pending refund has succeeded.
LOOKUPS_UNTIL_REFUNDED = 2
#: Failure code and message of an amount that is nothing, as in Stripe's API.
TOO_SMALL = ("amount_too_small", "Amount must be greater than zero.")
#: Failure code of a refused refund, as in Stripe's API.
REFUSED = "declined"

#: Failure code of a refund of what the customer's bank has taken, or may take, itself, as in Stripe's API.
DISPUTED = "charge_disputed"
#: Failure codes of a capture that the means of payment refuses, and of one of more than is held.
NOT_CAPTURED, TOO_LARGE = "capture_refused", "amount_too_large"
#: Failure code of a capture of what is not held any more, as in Stripe's API.
NOT_HELD = "payment_intent_unexpected_state"
#: Failure code and message of a charge that the customer did not confirm, as in Stripe's API.
NOT_CONFIRMED = (NOT_AUTHENTICATED, "The payment was not confirmed.")
#: Statuses of a charge that can be cancelled.
_CANCELLABLE = (
    SimulatedCharge.Status.PROCESSING,
    SimulatedCharge.Status.REQUIRES_ACTION,
    SimulatedCharge.Status.REQUIRES_CAPTURE,
)

#: Charges with their outcomes, in one statement that commits by itself: once per key, and none while the
#: gateway has a fault.
_AUTHORISE = """
    INSERT INTO payments_simulatedcharge
        (reference, key, amount, currency, token, order_id, status, code, message, captured, attempts,
         created_at)
    SELECT asked.*, 1, now() FROM json_to_recordset(%s::json) AS asked
        (reference text, key text, amount numeric, currency text, token text, order_id uuid,
         status text, code text, message text, captured numeric)
    WHERE NOT EXISTS (SELECT FROM payments_gatewayfault)
    ON CONFLICT DO NOTHING RETURNING key
"""
#: Captures of what is held, likewise; none that the means of payment might refuse.
_CAPTURE = """
    UPDATE payments_simulatedcharge AS charge SET status = 'succeeded', captured = asked.amount
    FROM json_to_recordset(%s::json) AS asked (charge text, amount numeric)
    WHERE charge.reference = asked.charge AND charge.status = 'requires_capture'
        AND charge.amount >= asked.amount AND charge.token <> ALL(%s)
        AND NOT EXISTS (SELECT FROM payments_gatewayfault)
    RETURNING reference
"""
#: Cancellations, likewise: of what can be cancelled or is, and of unknown keys in advance.
_CANCEL = """
    INSERT INTO payments_simulatedcharge AS charge
        (reference, key, amount, currency, token, status, code, message, attempts, created_at)
    SELECT asked.*, 0, '', '', 'canceled', '', '', 0, now()
    FROM json_to_recordset(%s::json) AS asked (reference text, key text)
    WHERE NOT EXISTS (SELECT FROM payments_gatewayfault)
    ON CONFLICT (key) DO UPDATE SET status = 'canceled' WHERE charge.status = ANY(%s)
    RETURNING key, reference, code, message
"""


_faulty = partial(faulty, GatewayFault, unavailable=GatewayUnavailable, timeout=GatewayTimeout)


class SimulatedGateway:
    """Gateway that authorises, captures and refunds by the rules of test tokens."""

    def authorise(self, *, key: str, amount: Money, token: str, order_id: UUID) -> Charge:
        """Hold as the token says, once per key."""
        if charge := self.authorise_many([ChargeRequest(key, amount, token, order_id)]).get(key):
            return charge  # the usual case: one statement
        behaviour = behaviour_of(token)
        made = SimulatedCharge(key=key, token=token, order_id=order_id, **amount.model_dump())
        _try_to_authorise(made, behaviour)
        with _faulty("authorise"):
            known = _attempt(made, behaviour)
            if known.status == SimulatedCharge.Status.PROCESSING:
                raise GatewayUnavailable("500 Internal Server Error")
            if behaviour.times_out and known.pk == made.pk:
                raise GatewayTimeout("the amount is held, the answer was lost")
        return known.as_charge()

    def authorise_many(self, requests: Sequence[ChargeRequest]) -> dict[str, Charge]:
        """Hold what has a new key and an immediate outcome; nothing while the gateway has a fault."""
        check_outside_transaction()
        new = {asked.key: asked for asked in requests if behaviour_of(asked.token).is_sound}
        if not new:
            return {}
        charges = {key: _new_charge(new[key]) for key in sorted(new)}
        with connection.cursor() as cursor:
            cursor.execute(_AUTHORISE, [json_text.dumps([_row(new[key], charges[key]) for key in charges])])
            return {key: charges[key] for (key,) in cursor.fetchall()}

    def capture(self, *, key: str, charge: str, amount: Money) -> Charge:
        """Capture as the token says; what is captured stays as it is."""
        check_outside_transaction()
        with _faulty("capture"), transaction.atomic():
            held = _locked_charge(charge)
            code = _capture(held, key, amount.amount)
        answer = held.as_charge()
        return replace(answer, code=code) if code else answer

    def capture_many(self, requests: Sequence[CaptureRequest]) -> dict[str, Charge]:
        """Capture what is held and is not refused; nothing while the gateway has a fault."""
        check_outside_transaction()
        rows = [{"charge": asked.charge, "amount": asked.amount.amount} for asked in requests]
        with connection.cursor() as cursor:
            cursor.execute(_CAPTURE, [json_text.dumps(rows), CAPTURE_FAILS])
            taken = {reference for (reference,) in cursor.fetchall()}
        return {
            asked.key: Charge(asked.charge, ChargeStatus.SUCCEEDED, captured=asked.amount.amount)
            for asked in requests
            if asked.charge in taken
        }

    def find(self, *, key: str, charge: str = "") -> Charge | None:
        """Return the finished made with this key."""
        check_outside_transaction()
        with _faulty("find"):
            finished = ~Q(status=SimulatedCharge.Status.PROCESSING)
            made = SimulatedCharge.objects.filter(finished, key=key).first()
        return made.as_charge() if made else None

    def cancel(self, *, key: str, charge: str = "") -> Charge:
        """Cancel what has not been captured or declined; an unknown key is cancelled in advance."""
        check_outside_transaction()
        with _faulty("cancel"), transaction.atomic():
            made = _insert_or_lock(SimulatedCharge(key=key))
            if made.status in _CANCELLABLE:
                made.status = SimulatedCharge.Status.CANCELED
                made.save(update_fields=["status"])
        return made.as_charge()

    def cancel_many(self, requests: Sequence[CancelRequest]) -> dict[str, Charge]:
        """Cancel what is neither captured nor declined; nothing while the gateway has a fault."""
        check_outside_transaction()
        keys = sorted({asked.key for asked in requests})
        rows = [{"reference": charge_reference(), "key": key} for key in keys]
        statuses = [*_CANCELLABLE, SimulatedCharge.Status.CANCELED]
        with connection.cursor() as cursor:
            cursor.execute(_CANCEL, [json_text.dumps(rows), statuses])
            return {
                key: Charge(reference, ChargeStatus.CANCELED, code, message)
                for key, reference, code, message in cursor.fetchall()
            }

    def refund(self, *, key: str, charge: str, amount: Money) -> ProviderRefund:
        """Refund as the charge's token says, once per key."""
        check_outside_transaction()
        with _faulty("refund") as fault, transaction.atomic():
            refund = _refund(key, _locked_charge(charge), amount, refused=fault == GatewayFault.REFUSAL)
        return refund.as_refund()

    def find_refund(self, *, key: str, charge: str) -> ProviderRefund | None:
        """Return the refund with this key; a pending one succeeds after some look-ups."""
        check_outside_transaction()
        with _faulty("find_refund"), transaction.atomic():
            refund = SimulatedRefund.objects.select_for_update().filter(key=key, charge=charge).first()
            if refund and refund.status == SimulatedRefund.Status.PENDING:
                _count_lookup(refund)
        return refund.as_refund() if refund else None

    def find_refunds(self, *, charge: str) -> list[GivenBack]:
        """Return all refunds of the charge."""
        check_outside_transaction()
        with _faulty("find_refunds"):
            refunds = SimulatedRefund.objects.filter(charge=charge).select_related("charge")
            return [refund.as_given_back() for refund in refunds.order_by("created_at", "reference")]

    def find_order(self, *, charge: str) -> UUID | None:
        """Return the order of a charge."""
        check_outside_transaction()
        return SimulatedCharge.objects.filter(pk=charge).values_list("order_id", flat=True).first()

    def find_disputes(self, *, charge: str) -> list[ProviderDispute]:
        """Return the dispute of the charge. Simulated customers open none by themselves."""
        check_outside_transaction()
        disputed = SimulatedCharge.objects.filter(pk=charge).exclude(dispute_status="")
        return [made.as_dispute() for made in disputed]

    def notices_since(self, moment: datetime) -> Sequence[tuple[Notice, bytes]]:
        """Return nothing: the simulated gateway sends no notices."""
        return ()

    def forget(self, *, keys: Sequence[str]) -> None:
        """Erase tokens, and what was said about them."""
        SimulatedCharge.objects.filter(key__in=keys).update(token="", message="")

    def ledger(self) -> Iterator[LedgerLine]:
        """Yield the captured, refunded and held amounts, charge by charge."""
        refunded = Sum("refunds__amount", filter=Q(refunds__status=SimulatedRefund.Status.SUCCEEDED))
        held = SimulatedCharge.Status.REQUIRES_CAPTURE
        booked = SimulatedCharge.objects.filter(status__in=[SimulatedCharge.Status.SUCCEEDED, held])
        for charge in booked.annotate(refunded=refunded).iterator():
            yield LedgerLine(
                charge.key,
                charge.captured,
                charge.refunded or Decimal(0),
                charge.currency,
                held=charge.amount if charge.status == held else Decimal(0),
            )


def _new_charge(asked: ChargeRequest) -> Charge:
    amount, behaviour = asked.amount.amount, behaviour_of(asked.token)
    code, message = _refusal(amount, behaviour)
    reference = charge_reference()
    if behaviour.must_confirm and amount > 0:
        return Charge(reference, ChargeStatus.REQUIRES_ACTION, confirm_url=bank_page(reference))
    status = ChargeStatus.DECLINED if code else _unless_refused(behaviour)
    taken = amount if status == ChargeStatus.SUCCEEDED else Decimal(0)
    return Charge(reference, status, code, message, taken)


def confirm(reference: str, *, confirmed: bool) -> SimulatedCharge:
    """Hold, take or decline what awaits its customer, who confirms or refuses; what is decided stays."""
    with transaction.atomic():
        charge = _locked_charge(reference)
        if charge.status == SimulatedCharge.Status.REQUIRES_ACTION:
            if confirmed:
                _decide(charge, behaviour_of(charge.token))
            else:
                charge.status = SimulatedCharge.Status.DECLINED
                charge.code, charge.message = NOT_CONFIRMED
            charge.save(update_fields=["status", "code", "message", "captured"])
    return charge


def _unless_refused(behaviour: Behaviour) -> ChargeStatus:
    return ChargeStatus.SUCCEEDED if behaviour.takes_at_once else ChargeStatus.REQUIRES_CAPTURE


def _refusal(amount: Decimal, behaviour: Behaviour) -> tuple[str, str]:
    """Return the decline code of a charge, empty if the amount is held, and the message."""
    return (behaviour.decline_code, behaviour.message) if amount > 0 else TOO_SMALL


def _row(asked: ChargeRequest, charge: Charge) -> dict[str, Any]:
    return {
        "key": asked.key,
        "amount": asked.amount.amount,
        "currency": asked.amount.currency,
        "token": asked.token,
        "order_id": asked.order_id,
        "reference": charge.reference,
        "status": charge.status,
        "code": charge.code,
        "message": charge.message,
        "captured": charge.captured,
    }


def _attempt(made: SimulatedCharge, behaviour: Behaviour) -> SimulatedCharge:
    """Insert ``made``, or carry on the charge that has its key."""
    if insert_once(made):
        return made
    with transaction.atomic():
        charge = SimulatedCharge.objects.select_for_update().get(key=made.key)
        _check_same(charge, made)
        if charge.status == SimulatedCharge.Status.PROCESSING:
            _try_to_authorise(charge, behaviour)
            charge.save(update_fields=["attempts", "status", "code", "message", "captured"])
    return charge


def _try_to_authorise(charge: SimulatedCharge, behaviour: Behaviour) -> None:
    charge.attempts += 1
    if charge.attempts > behaviour.errors and behaviour.must_confirm and charge.amount > 0:
        charge.status = SimulatedCharge.Status.REQUIRES_ACTION
    elif charge.attempts > behaviour.errors:
        _decide(charge, behaviour)


def _decide(charge: SimulatedCharge, behaviour: Behaviour) -> None:
    charge.code, charge.message = _refusal(charge.amount, behaviour)
    charge.status = SimulatedCharge.Status.DECLINED if charge.code else _unless_refused(behaviour)
    if charge.status == SimulatedCharge.Status.SUCCEEDED:
        charge.captured = charge.amount


def _capture(charge: SimulatedCharge, key: str, amount: Decimal) -> str:
    """Capture a locked charge, and return the code of a refusal; what is not held stays as it is."""
    if charge.status != SimulatedCharge.Status.REQUIRES_CAPTURE:
        return "" if charge.status == SimulatedCharge.Status.SUCCEEDED else NOT_HELD
    if amount > charge.amount:
        return TOO_LARGE
    if behaviour_of(charge.token).capture_fails and charge.refused_capture in ("", key):
        charge.refused_capture = key
        charge.save(update_fields=["refused_capture"])
        return NOT_CAPTURED
    charge.status, charge.captured = SimulatedCharge.Status.SUCCEEDED, amount
    charge.save(update_fields=["status", "captured"])
    return ""


def _insert_or_lock(made: SimulatedCharge) -> SimulatedCharge:
    insert_once(made)
    return SimulatedCharge.objects.select_for_update().get(key=made.key)


def _check_same(known: SimulatedCharge, asked: SimulatedCharge) -> None:
    if known.status == SimulatedCharge.Status.CANCELED:
        return
    if (known.amount, known.currency, known.token) != (asked.amount, asked.currency, asked.token):
        raise KeyReused(f"{known.key} was used for {known.amount} {known.currency} before")


def _locked_charge(reference: str) -> SimulatedCharge:
    try:
        return SimulatedCharge.objects.select_for_update().get(pk=reference)
    except SimulatedCharge.DoesNotExist:
        raise UnknownCharge(f"No such charge: '{reference}'") from None


def _refund(key: str, charge: SimulatedCharge, amount: Money, *, refused: bool) -> SimulatedRefund:
    known = SimulatedRefund.objects.filter(key=key).first()
    if known and (known.charge_id, known.amount) != (charge.pk, amount.amount):
        raise KeyReused(f"{key} was used for {known.amount} of {known.charge_id} before")
    if known:
        return known
    failed = SimulatedRefund.Status.FAILED
    status, code = (failed, REFUSED) if refused else _outcome(charge, amount.amount)
    return SimulatedRefund.objects.create(
        key=key, charge=charge, amount=amount.amount, status=status, code=code
    )


def _outcome(charge: SimulatedCharge, amount: Decimal) -> tuple[str, str]:
    """Return the status of a new refund, and its failure code."""
    if charge.dispute_status in {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.LOST}:
        return SimulatedRefund.Status.FAILED, DISPUTED
    behaviour, before = behaviour_of(charge.token), list(charge.refunds.all())
    given = sum(refund.amount for refund in before if refund.status != SimulatedRefund.Status.FAILED)
    if charge.status != SimulatedCharge.Status.SUCCEEDED or given + amount > charge.captured:
        return SimulatedRefund.Status.FAILED, "charge_already_refunded" if given else "charge_not_captured"
    if behaviour.refund_fails and not before:
        return SimulatedRefund.Status.FAILED, "expired_or_canceled_card"
    if behaviour.refund_pends:
        return SimulatedRefund.Status.PENDING, ""
    return SimulatedRefund.Status.SUCCEEDED, ""


def _count_lookup(refund: SimulatedRefund) -> None:
    refund.looks += 1
    if refund.looks >= LOOKUPS_UNTIL_REFUNDED:
        refund.status = SimulatedRefund.Status.SUCCEEDED
    refund.save(update_fields=["looks", "status"])

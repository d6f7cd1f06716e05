"""Disputes at the simulated gateway: one of a charge, opened and decided by nothing but these calls."""

from django.db import transaction
from django.db.models import Sum

from payments.disputes import CLOSED, DisputeStatus
from payments.simulator.bank import PROVIDER
from payments.simulator.books import SimulatedCharge, SimulatedRefund
from shop.simulation import webhooks
from shop.webhooks.endpoints import Notice


@transaction.atomic
def open_dispute(reference: str) -> SimulatedCharge:
    """Dispute what was taken and has not been given back, as the customer's bank does."""
    charge = SimulatedCharge.objects.select_for_update().get(pk=reference)
    refunds = charge.refunds.exclude(status=SimulatedRefund.Status.FAILED)
    charge.disputed = charge.captured - refunds.aggregate(sum=Sum("amount", default=0))["sum"]
    charge.dispute_status = DisputeStatus.NEEDS_RESPONSE
    charge.save(update_fields=["disputed", "dispute_status"])
    return charge


@transaction.atomic
def close_dispute(reference: str, *, won: bool) -> SimulatedCharge:
    """Decide a dispute. One that the shop loses gives the money back."""
    charge = SimulatedCharge.objects.select_for_update().get(pk=reference)
    charge.dispute_status = DisputeStatus.WON if won else DisputeStatus.LOST
    charge.save(update_fields=["dispute_status"])
    if not won:
        SimulatedRefund.objects.create(
            key=f"dispute:{charge.key}",
            charge=charge,
            amount=charge.disputed,
            status=SimulatedRefund.Status.SUCCEEDED,
        )
    return charge


def tell_shop(charge: SimulatedCharge) -> None:
    """Send a notice about the dispute of a charge."""
    kind = "charge.dispute.closed" if charge.dispute_status in CLOSED else "charge.dispute.created"
    notice = Notice(f"evt_{charge.reference}_{charge.dispute_status}", kind, charge.reference)
    webhooks.send(PROVIDER, {notice: {"id": charge.reference}})

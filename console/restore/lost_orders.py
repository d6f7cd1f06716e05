"""Orders and charges that a restore has lost: found in the providers' books, and decided by a person."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from console.models import LostOrder
from console.restore import copies
from console.restore.errors import HasLeft, NoCopy, NotKnown, NotLost, ReasonMissing
from orders import queries as orders
from orders.reinstating import reinstate_order
from payments import services as payments
from payments.queries import UnknownCharge, unknown_charges
from shipping import services as shipping
from shipping.errors import TooLateToVoid
from shipping.queries import UnknownLabel, unknown_labels
from shop.ids import uuid7_time
from shop.visible import is_visible


@dataclass
class Found:
    """Facts about an order that the shop does not know, or charges of one that it knows."""

    order_id: UUID
    #: Empty if no message about it is left.
    number: str = ""
    charges: list[UnknownCharge] = field(default_factory=list)
    labels: list[UnknownLabel] = field(default_factory=list)
    #: A message tells what was ordered.
    has_copy: bool = False
    decision: str = ""
    #: The shop knows the order, and not how it was paid since.
    is_known: bool = False

    @property
    def name(self) -> str:
        """Number, or the id where no number is known."""
        return self.number or str(self.order_id)

    @property
    def placed_at(self) -> datetime:
        """Time of the order, by its id."""
        return uuid7_time(self.order_id)

    @property
    def booked(self) -> list[UnknownLabel]:
        """Labels that are not voided."""
        return [label for label in self.labels if label.status == "booked"]

    @property
    def is_open(self) -> bool:
        """True if nobody has decided, or the providers' books do not show the decision yet."""
        if self.is_known:
            return any(charge.kept for charge in self.charges)
        if self.decision == LostOrder.Decision.REFUNDED:
            return any(charge.kept for charge in self.charges)
        return not self.decision

    def __str__(self) -> str:
        money = ", ".join(map(_money, self.charges)) or "nothing held or taken"
        if self.is_known:
            return f"{self.name}: {money}, by an attempt to pay it that the shop does not know"
        parcel = ", ".join(f"label {one.status} {one.tracking_number}" for one in self.labels) or "no label"
        copy = "can be entered again as it was" if self.has_copy else "no message tells what was ordered"
        return f"{self.name} of {self.placed_at:%Y-%m-%d %H:%M:%S} UTC: {money}; {parcel}; {copy}"


def find_lost() -> list[Found]:
    """Return what only the providers or messages of the lost time know: orders and charges, oldest first."""
    found: defaultdict[UUID, Found] = defaultdict(lambda: Found(UUID(int=0)))
    for charge in unknown_charges():
        found[charge.order_id].charges.append(charge)
    for label in unknown_labels():
        found[label.order_id].labels.append(label)
    for order_id, number in copies.known().items():
        found[order_id].number, found[order_id].has_copy = number, True
    for order_id, number in orders.numbers_of(list(found)).items():
        found[order_id] = Found(order_id, number, _unknown(found[order_id].charges), is_known=True)
    decided = LostOrder.objects.in_bulk(list(found))
    for order_id, lost in found.items():
        lost.order_id = order_id
        if record := decided.get(order_id):
            lost.decision, lost.number = record.decision, lost.number or record.number
    known = {lost.order_id for lost in found.values() if lost.is_known and not lost.charges}
    left = (lost for lost in found.values() if lost.order_id not in known)
    return sorted(left, key=lambda lost: lost.order_id)


def _unknown(charges: list[UnknownCharge]) -> list[UnknownCharge]:
    """Return the charges of an order whose payment is there: another may come with its first event."""
    return [charge for charge in charges if charge.order_is_known]


def take_over(lost: Found, *, by: str, reason: str) -> None:
    """Let an order that the shop knows be paid by the charge that it has lost.

    Raises:
        NotTakenOver: it waits for no payment.
    """
    if not lost.is_known:
        raise NotKnown(order=lost.name)
    _check(lost, by, reason)
    payments.take_over_lost_charge(order_id=lost.order_id)
    _record(lost, LostOrder.Decision.REINSTATED, by, reason)


def refund(lost: Found, *, although_sent: bool = False, by: str, reason: str) -> None:
    """Void its label, release what is held and give back what was taken.

    Raises:
        HasLeft: the carrier has the parcel; nothing was given back.
        GatewayError, CarrierError: a provider does not answer; call again.
    """
    _check(lost, by, reason)
    for label in lost.booked:
        try:
            shipping.void_lost_label(order_id=lost.order_id, key=label.key)
        except TooLateToVoid:
            if not although_sent:
                raise HasLeft(order=lost.name, tracking=label.tracking_number) from None
    payments.release_lost_charges(order_id=lost.order_id)
    _record(lost, LostOrder.Decision.REFUNDED, by, reason)


def keep(lost: Found, *, by: str, reason: str) -> None:
    """Take what is held for goods that have left, and leave its label as it is."""
    if lost.is_known:
        raise NotLost(order=lost.name)
    _check(lost, by, reason)
    payments.keep_lost_charges(order_id=lost.order_id)
    _record(lost, LostOrder.Decision.KEPT, by, reason)


def reinstate(lost: Found, *, by: str, reason: str) -> None:
    """Enter it again under its own id and number; what the providers did for it is taken over.

    Raises:
        NoCopy: no message tells what was ordered.
        NotReinstatable: its customer or number is not there any more.
    """
    _check(lost, by, reason)
    if (event := copies.find(lost.order_id)) is None:
        raise NoCopy(order=lost.name)
    reinstate_order(event=event)
    _record(lost, LostOrder.Decision.REINSTATED, by, reason)


def chosen(found: Collection[Found], names: Collection[str]) -> list[Found]:
    """Return the open ones with these numbers or ids, or all of them.

    Raises:
        NotLost: there is none with a name.
    """
    undecided = [lost for lost in found if lost.is_open]
    if list(names) == ["all"]:
        return undecided
    by_name = {name: lost for lost in undecided for name in (lost.number, str(lost.order_id))}
    for name in names:
        if name not in by_name:
            raise NotLost(order=name)
    return [by_name[name] for name in names]


def _check(lost: Found, by: str, reason: str) -> None:
    """Check the decision, and that the order has not come up meanwhile: it may be a new one."""
    if not (is_visible(by) and is_visible(reason)):
        raise ReasonMissing
    if not lost.is_known and orders.numbers_of([lost.order_id]):
        raise NotLost(order=lost.name)


def _record(lost: Found, decision: str, by: str, reason: str) -> None:
    LostOrder.objects.update_or_create(
        order_id=lost.order_id,
        defaults={
            "number": lost.number,
            "decision": decision,
            "found": str(lost),
            "by": by,
            "reason": reason,
            "at": timezone.now(),
        },
    )
    copies.discard(lost.order_id, by=by, reason=f"{decision}: {reason}")


def _money(charge: UnknownCharge) -> str:
    parts = (("held", charge.held), ("taken", charge.captured), ("given back", charge.refunded))
    return " ".join(f"{amount} {what}" for what, amount in parts if amount.amount) or "nothing held or taken"

"""State machine of one order: the other contexts' events are consumed in any order that the rules allow.

Whatever the order, the state that steps made is the fold of what is consumed, in the order of the log. No
database: histories by the thousand.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    InventoryUpdated,
)
from orders import history
from orders.consumers import READINGS, STEPS
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderNeedsAttention,
    OrderResendRequested,
    OrderResumed,
    OrderSettled,
    PaymentAttemptRequested,
)
from orders.history import State
from orders.states import CANCELLABLE, DEADLINES, NOTHING_COMES, RESENDABLE, TERMINAL, Status
from payments.events import (
    CaptureFailed,
    CaptureRecovered,
    DisputeClosed,
    PaymentActionRequired,
    PaymentDeclined,
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentVoided,
    RefundFailed,
)
from shipping.events import (
    CancellationRejected,
    DeliveryFailed,
    FulfilmentStopped,
    OrderDelivered,
    OrderShipped,
    ResendFailed,
    ShipmentFailed,
)
from shop.ids import uuid7
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Event, Money, Reminder

EXAMPLES = int(os.environ.get("SHOP_PROPERTY_EXAMPLES", "0"))
#: Whether a rare thing happens: most orders are delivered.
RARELY = st.sampled_from([True, *[False] * 5])
#: Of an order of which nothing has happened yet.
ORDER = {"order_id": uuid7(), "number": "ORD-1042"}
MONEY, NOTHING = Money(amount="49.90", currency="EUR"), Money(amount="0.00", currency="EUR")
IDS = {"payment_id": uuid7(), "refund_id": uuid7(), "shipment_id": uuid7(), "amount": MONEY}


def event(kind: type[Event], **facts: object) -> Event:
    """Return an event of the order."""
    known = {**ORDER, **IDS, "lines": (), "shortages": (), "delivered_at": datetime.now(UTC)}
    known |= {
        "code": "x",
        "carrier": "x",
        "status": "failure",
        "subject_id": None,
        "personal": "",
        "payment": "",
        "won": True,
        "attempt": 1,
        "took_goods": False,
        "new_goods": False,
        "reason": "lost",
    }
    wanted = {name: value for name, value in (known | facts).items() if name in kind.model_fields}
    return kind(**wanted)


@dataclass
class Entry:
    """Event in the log."""

    event: Event
    is_consumed: bool


class OneOrder(RuleBasedStateMachine):
    """The other contexts by their rules, and orders, which consumes what they published in any order."""

    #: Kinds of events that were consumed after a later one, over all histories.
    overtaken: set[str] = set()
    ends: set[str] = set()

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.log: list[Entry] = []

    # --- The other contexts ---

    def happened(self, *kinds: type[Event]) -> bool:
        return any(isinstance(entry.event, kinds) for entry in self.log)

    def number_of(self, kind: type[Event]) -> int:
        return sum(isinstance(entry.event, kind) for entry in self.log)

    def publish(self, kind: type[Event], **facts: object) -> None:
        self.log.append(Entry(event(kind, **facts), is_consumed=False))

    def is_charged(self) -> bool:
        return self.happened(PaymentProcessed)

    def is_given_up(self) -> bool:
        return self.happened(InventoryRejected, ShipmentFailed, FulfilmentStopped)

    def has_money(self) -> bool:
        return self.is_charged() and not any(
            isinstance(e.event, PaymentRefunded) and not e.event.left.amount for e in self.log
        )

    @precondition(lambda self: not self.happened(PaymentProcessed, PaymentFailed, PaymentVoided))
    @rule(
        how=st.sampled_from([PaymentProcessed, PaymentProcessed, PaymentProcessed, PaymentFailed]),
        is_voided=st.booleans(),
    )
    def the_gateway_answers(self, how, is_voided):
        stopped = self.happened(FulfilmentStopped) or (self.happened(InventoryRejected) and is_voided)
        self.publish(PaymentVoided if stopped else how)

    @precondition(lambda self: not self.happened(PaymentProcessed, PaymentFailed, PaymentVoided))
    @precondition(lambda self: not self.happened(PaymentActionRequired))
    @rule()
    def the_customer_has_to_confirm(self):
        self.publish(PaymentActionRequired)

    @precondition(lambda self: not self.happened(PaymentProcessed, PaymentFailed, PaymentVoided))
    @precondition(lambda self: self.number_of(PaymentDeclined) <= self.number_of(PaymentAttemptRequested))
    @rule()
    def the_payment_is_declined(self):
        self.publish(PaymentDeclined, attempt=1 + self.number_of(PaymentAttemptRequested))

    @precondition(lambda self: self.has_money() and self.is_given_up())
    @rule(how=st.sampled_from(["void", "all", "part", "refused"]))
    def money_goes_back(self, how):
        if how == "void":
            self.publish(PaymentVoided)
        elif how == "refused":
            self.publish(RefundFailed)
        else:
            self.publish(PaymentRefunded, left=NOTHING if how == "all" else MONEY)

    @precondition(lambda self: self.is_charged() and not self.happened(CaptureFailed))
    @rule(really=RARELY)
    def money_cannot_be_taken(self, really):
        if really:
            self.publish(CaptureFailed)

    @precondition(lambda self: self.happened(CaptureFailed) and not self.happened(CaptureRecovered))
    @rule()
    def money_is_taken_after_all(self):
        self.publish(CaptureRecovered)

    def is_decided(self) -> bool:
        return self.happened(InventoryUpdated, InventoryRejected, InventoryReleased)

    @precondition(
        lambda self: not self.happened(InventoryReserved, InventoryAwaited) and not self.is_decided()
    )
    @rule(served=st.sampled_from([True, True, True, False]))
    def the_stock_answers(self, served):
        self.publish(InventoryReserved if served else InventoryRejected)

    @precondition(lambda self: self.is_charged() and not self.is_decided())
    @rule()
    def the_stock_is_taken(self):
        if self.happened(InventoryReserved, InventoryAwaited):
            self.publish(InventoryUpdated)

    @precondition(lambda self: self.is_charged() and not self.is_decided())
    @precondition(lambda self: not self.happened(InventoryReserved, InventoryAwaited))
    @rule()
    def goods_have_to_come_in(self):
        self.publish(InventoryAwaited)

    @precondition(lambda self: self.happened(ShipmentFailed, FulfilmentStopped, PaymentFailed))
    @rule()
    def goods_go_back(self):
        if self.happened(InventoryUpdated) and not self.happened(InventoryRestocked):
            self.publish(InventoryRestocked)
        elif not self.happened(InventoryUpdated, InventoryReleased):
            self.publish(InventoryReleased)

    def is_with_shipping(self) -> bool:
        return not self.happened(OrderShipped, ShipmentFailed, FulfilmentStopped)

    @precondition(lambda self: self.happened(InventoryUpdated) and self.is_with_shipping())
    @rule(how=st.sampled_from([OrderShipped, OrderShipped, ShipmentFailed]))
    def the_carrier_answers(self, how):
        self.publish(how)

    @precondition(lambda self: self.is_with_shipping())
    @rule(by_operator=RARELY)
    def shipping_is_stopped(self, by_operator):
        if not by_operator and not self.happened(OrderCancellationRequested):
            return
        requests = [e.event.reason for e in self.log if isinstance(e.event, OrderCancellationRequested)]
        self.publish(FulfilmentStopped, reason=[*requests, "operator"][0])

    @precondition(
        lambda self: self.happened(OrderShipped) and self.happened(OrderCancellationRequested)
        and not self.happened(CancellationRejected)
    )  # fmt: skip
    @rule()
    def the_parcel_has_left(self):
        self.publish(CancellationRejected, reason="customer")

    @precondition(lambda self: self.happened(OrderShipped))
    @precondition(lambda self: not self.happened(OrderDelivered))
    @rule(how=st.sampled_from([OrderDelivered, OrderDelivered, DeliveryFailed, ResendFailed]))
    def the_parcel_arrives(self, how):
        """Deliver one of the parcels, be it late, or none."""
        if how is ResendFailed and self.number_of(ResendFailed) >= self.number_of(OrderResendRequested):
            return
        if how is DeliveryFailed and self.number_of(DeliveryFailed) > self.number_of(OrderResendRequested):
            return
        self.publish(how)

    @precondition(lambda self: self.is_charged() and self.number_of(PaymentDisputed) < 2)
    @rule(really=RARELY)
    def the_bank_disputes_the_payment(self, really):
        if really:
            self.publish(PaymentDisputed, reason="fraudulent")

    @precondition(lambda self: self.number_of(DisputeClosed) < self.number_of(PaymentDisputed))
    @rule(won=st.booleans())
    def the_dispute_ends(self, won):
        self.publish(DisputeClosed, won=won)

    @rule()
    def time_passes(self):
        """Do nothing: an order that has ended has no other rule."""

    # --- Orders ---

    @precondition(lambda self: self.state.status == Status.PLACED and self.state.payment_needs)
    @rule()
    def the_customer_pays_by_other_means(self):
        asked = event(PaymentAttemptRequested, attempt=self.state.payment_attempt + 1)
        self.state = history.step_of(asked)(self.state)
        self.log.append(Entry(asked, is_consumed=True))

    def pending(self) -> list[int]:
        return [nr for nr, entry in enumerate(self.log) if not entry.is_consumed]

    @precondition(lambda self: self.pending())
    @rule(n=st.integers(0, 20))
    def an_event_is_consumed(self, n):
        pending = self.pending()
        entry = self.log[pending[n % len(pending)]]
        entry.is_consumed = True
        if entry is not self.log[pending[0]]:
            OneOrder.overtaken.add(type(self.log[pending[0]].event).__name__)
        if isinstance(entry.event, RefundFailed):
            self.hold_up(history.refund_failed)
        elif isinstance(entry.event, CaptureFailed):
            self.hold_up(history.capture_failed)
        elif isinstance(entry.event, DeliveryFailed):
            self.hold_up(history.delivery_failed)
        elif isinstance(entry.event, ResendFailed):
            self.hold_up(history.resend_failed)
        elif isinstance(entry.event, PaymentDisputed):
            self.hold_up(history.disputed)
        elif isinstance(entry.event, DisputeClosed):
            self.state = history.step_of(entry.event)(self.state)
            if self.state.open_disputes <= 0 and self.state.attention_reason == "disputed":
                self.resume()
        else:
            before = self.state
            self.state = history.completed(history.step_of(entry.event)(before))
            if self.state.status == Status.CANCELLED != before.status:
                self.decided(OrderCancelled, reason=self.state.cancel_reason)

    def decided(self, kind: type[Event], **facts: object) -> None:
        self.log.append(Entry(event(kind, **facts), is_consumed=True))

    def hold_up(self, step: history.Step) -> None:
        before, self.state = self.state, step(self.state)
        held = self.state.status, self.state.attention_reason
        if held != (before.status, before.attention_reason):
            facts = {"reason": self.state.attention_reason, "note": self.state.attention_note}
            self.decided(OrderNeedsAttention, stage=self.state.stage, **facts)

    @precondition(lambda self: self.state.status in DEADLINES and self.state.status != Status.PLACED)
    @rule(really=RARELY)
    def a_deadline_passes(self, really):
        if really:
            self.hold_up(partial(history.held_up, reason=f"{DEADLINES[self.state.status][0]}_overdue"))

    @precondition(lambda self: self.state.status not in (Status.PLACED, Status.NEEDS_ATTENTION, *TERMINAL))
    @rule(really=RARELY, reason=st.sampled_from(["books_differ", "delivery_overdue"]))
    def the_doctor_holds_it_up(self, really, reason):
        if really and (reason == "books_differ" or self.state.status == Status.SHIPPED):
            self.hold_up(partial(history.held_up, reason=reason, note=f"note {len(self.log)}"))

    @precondition(lambda self: self.state.stage in CANCELLABLE)
    @rule(really=RARELY, reason=st.sampled_from(["customer", "operator", "payment_overdue"]))
    def somebody_cancels(self, really, reason):
        if really:
            self.state = history.cancellation_requested(self.state, reason)
            self.decided(OrderCancellationRequested, reason=reason)

    @precondition(
        lambda self: (
            self.state.status == Status.NEEDS_ATTENTION and self.state.attention_reason not in NOTHING_COMES
        )
    )
    @rule()
    def an_operator_resumes_it(self):
        self.resume()

    def resume(self) -> None:
        self.decided(OrderResumed, attention=self.state.attention_reason)
        self.state = history.resumed(self.state)

    @precondition(lambda self: self.state.attention_reason in RESENDABLE)
    @rule()
    def an_operator_sends_it_again(self):
        self.decided(OrderResendRequested)
        self.state = history.resent(self.state)

    @precondition(
        lambda self: self.state.status == Status.NEEDS_ATTENTION and self.state.stage not in CANCELLABLE
    )
    @rule(really=st.sampled_from([True, False, False]))
    def an_operator_settles_it(self, really):
        if really:
            attention, self.state = self.state.attention_reason, history.settled(self.state, "by agreement")
            kept = self.state.cancel_reason
            self.decided(OrderSettled, attention=attention, reason="by agreement", cancel_reason=kept)

    # --- Invariants ---

    @invariant()
    def the_state_is_the_fold_of_what_is_consumed(self):
        steps = [history.step_of(entry.event) for entry in self.log if entry.is_consumed]
        assert history.fold(steps) == self.state, [type(e.event).__name__ for e in self.log if e.is_consumed]

    @invariant()
    def disputes_that_are_won_hold_nothing_up(self):
        if self.pending() or self.state.attention_reason != "disputed":
            return
        won = sum(isinstance(entry.event, DisputeClosed) and entry.event.won for entry in self.log)
        assert won < self.number_of(PaymentDisputed)

    def teardown(self):
        OneOrder.ends.add(self.state.status)


def test_steps_come_to_the_same_in_every_order_that_the_rules_allow():
    few = settings(max_examples=400, derandomize=True)
    profile = settings(
        few if not EXAMPLES else settings(max_examples=EXAMPLES * 20),
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(OneOrder, settings=profile)
    assert {"delivered", "cancelled", "settled", "needs_attention"} <= OneOrder.ends, "too few histories"
    assert len(OneOrder.overtaken) > 4, "too few events that came late"


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_that_has_ended_holds_up_alike_in_every_order(won):
    closed = partial(history.dispute_closed, won=won)
    late = history.fold([history.paid, closed, history.disputed])
    assert (late.attention_reason == "disputed", late.open_disputes) == (not won, 0 if won else 1)
    again = history.fold([history.paid, closed, history.disputed, history.disputed])
    assert again.attention_reason == "disputed"


UNPAID = partial(history.held_up, reason="capture_failed")


def test_a_parcel_that_leaves_in_spite_of_a_cancellation_is_still_to_be_paid():
    cancel = partial(history.cancellation_requested, reason="customer")
    state = history.fold([history.paid, UNPAID, cancel, history.shipped])
    assert (state.status, state.attention_reason, state.stage) == (
        "needs_attention",
        "capture_failed",
        "shipped",
    )
    assert history.fold([history.paid, UNPAID, history.shipped, cancel]) == state


@pytest.mark.parametrize("answer", [history.resumed, history.capture_recovered])
def test_what_was_answered_for_holds_up_no_parcel(answer):
    state = history.fold([history.paid, UNPAID, answer, history.shipped])
    assert (state.status, state.capture_failed) == ("shipped", False)


def test_money_that_is_taken_ends_a_decision_that_stands_later_in_the_log():
    decided = [partial(history.attention_decided, reason=why) for why in ("stock_overdue", "capture_failed")]
    live = history.fold([history.paid, *decided, history.capture_recovered])
    assert history.fold([history.paid, history.capture_recovered, *decided]) == live
    assert live.status == "paid"


def test_every_event_that_orders_consumes_has_a_step():
    own = {one.event for one in consumers() if one.app == "orders" and not issubclass(one.event, Reminder)}
    assert own == {*STEPS, *READINGS}


@pytest.mark.parametrize("kind", sorted({*STEPS, *READINGS}, key=lambda kind: kind.type))
def test_every_step_takes_a_new_order_somewhere(kind):
    facts = {"reason": "customer", "left": NOTHING}
    assert history.step_of(event(kind, **facts))(State())

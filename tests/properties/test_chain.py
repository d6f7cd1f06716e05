"""State machine of the whole shop: random histories of customers, faults and operators, audited at each step.

``SHOP_PROPERTY_EXAMPLES=2000 script/test tests/properties`` runs more and longer histories, new in each run.
"""

import logging
import os
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from console.audit import audit
from inventory.bookings import Booking
from inventory.services import adjust_stock, book
from orders.errors import OrdersError
from orders.models import Order, Return
from orders.payments.services import request_payment
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.resending import resend_order
from orders.returns.plan import Received
from orders.returns.receiving import receive_return
from orders.returns.services import approve_return, cancel_return, reject_return, request_return
from orders.services import request_cancellation, resume_order, settle_order
from orders.undelivered.plan import LOST, RETURNED
from orders.undelivered.services import refund_and_settle
from payments.errors import NotRetryable, PaymentsError
from payments.gateway import gateway
from payments.models import Dispute, GatewayFault, Payment, Refund, SimulatedCharge
from payments.services import renew_holds, retry_capture, retry_refund
from shipping.errors import ShippingError
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shipping.services import void_shipment
from shop.messaging.consuming import failures, runner
from shop.messaging.contracts import Money
from shop.messaging.dead_letters import replay_dead_letter
from shop.messaging.models import DeadLetter
from tests.properties.ways_out import without_a_way_out
from tests.properties.world import MailServer, World
from tests.support.simulators import reach_shop_at_once

#: Number of random histories. If 0, a few fixed ones run, and a failing one is not shrunk.
EXAMPLES = int(os.environ.get("SHOP_PROPERTY_EXAMPLES", "0"))
GATE = settings(max_examples=12, stateful_step_count=40, derandomize=True, phases=[Phase.generate])
DEEP = settings(max_examples=EXAMPLES or 1, stateful_step_count=80)

TOKENS = (
    "pm_card_visa",
    "pm_card_visa_chargeDeclined",
    "pm_card_timeoutAfterCharge",
    "pm_card_gatewayError",
    "pm_card_refundFail",
    "pm_card_pendingRefund",
    "pm_card_captureFail",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
)
STREETS = ("1 Rabbit Hole", "2 Rabbit Hole", "EZ_TIMEOUT", "EZ6000000006", "EZ_LOST", "EZ_LATE")
LINES = (
    [("PLENTY", 2)],
    [("SCARCE", 2), ("PLENTY", 1)],
    [("SCARCE", 1)],
    [("EMPTY", 1), ("PLENTY", 1)],
    [("AHEAD", 1), ("PLENTY", 1)],
)
MOST_ORDERS = 3
ENDS = {"delivered", "cancelled", "needs_attention", "settled"}

KINDS = st.sampled_from(["outage", "timeout"])

#: Index of an object, see one().
which = st.integers(min_value=0, max_value=30)


def one(things, n):
    """Return the n-th object, modulo their number: any drawn index is valid."""
    return things[n % len(things)]


@contextmanager
def gateway_fault(kind, calls):
    """Have the gateway fail at its next ``calls`` calls, or at all of them if None."""
    fault = GatewayFault.objects.create(kind=kind, calls_left=calls)
    yield
    fault.delete()


@contextmanager
def carrier_fault(kind, calls):
    """Have the carrier fail at its next ``calls`` calls, or at all of them if None."""
    fault = CarrierFault.objects.create(kind=kind, calls_left=calls)
    yield
    fault.delete()


@contextmanager
def mail_fault(kind, calls):
    """Have the mail server refuse all mail."""
    MailServer.is_down = True
    yield
    MailServer.is_down = False


#: Fault of the provider that an app calls.
PROVIDERS = {"payments": gateway_fault, "shipping": carrier_fault, "notifications": mail_fault}


def resume(n):
    """Resume an order that needs attention."""
    if stopped := Order.objects.filter(status="needs_attention").order_by("pk"):
        resume_order(order_id=one(stopped, n).pk)


def give_back(n):
    """Retry a failed refund."""
    if failed := Refund.objects.filter(state="failed").order_by("pk"):
        with suppress(NotRetryable):
            retry_refund(refund_id=one(failed, n).pk)


def refund(n):
    """Have a part or all of the money of an order given back, perhaps with the goods."""
    if orders := Order.objects.order_by("pk"):
        order = one(orders, n)
        line = order.lines.order_by("pk")[0]
        wish = one(
            [
                Wish(amount=Money(amount=Decimal("0.90"), currency="EUR")),
                Wish(lines={line.sku: 1}, restock=True),
                Wish(lines={line.sku: 1}),
                Wish(amount=Money(amount=order.total, currency="EUR")),
            ],
            n // 3,
        )
        with suppress(OrdersError):
            request_refund(order_id=order.pk, wish=wish, reason="it had a scratch")


def ask_to_send_back(n):
    """Ask for one or two pieces of a delivered order, as a customer or as staff."""
    if orders := Order.objects.filter(status__in=["delivered", "settled"]).order_by("pk"):
        order = one(orders, n)
        line = one(order.lines.order_by("pk"), n // 2)
        with suppress(OrdersError):
            request_return(
                order_id=order.pk, lines={line.sku: 1 + n % 2}, reason="a crack", by_customer=n % 3 == 0
            )


def decide_on_return(n):
    """Approve a return, which is likely, refuse or withdraw it."""
    if returns := Return.objects.filter(state__in=Return.LIVE).order_by("pk"):
        found = one(returns, n)
        act = one([approve_return, approve_return, approve_return, cancel_return, refuse_return], n // 3)
        with suppress(OrdersError):
            act(order_id=found.order_id, return_id=found.pk)


def refuse_return(*, order_id, return_id):
    reject_return(order_id=order_id, return_id=return_id, reason="it was used")


def receive_goods(n):
    """Receive one piece of a return, to be sold again or not, for its price, another amount or nothing."""
    if returns := Return.objects.filter(state="approved").order_by("pk"):
        found = one(returns, n)
        sku = one(found.lines.order_by("pk"), n).sku
        received = {sku: one([Received(restocked=1), Received(written_off=1)], n)}
        amounts = [None, None, *(Money(amount=Decimal(some), currency="EUR") for some in ("0", "0.10"))]
        with suppress(OrdersError):
            receive_return(
                order_id=found.order_id, return_id=found.pk, received=received, amount=one(amounts, n // 2)
            )


def take_again(n):
    """Retry a capture that failed."""
    if failed := Payment.objects.filter(state="requires_capture").exclude(failure_code="").order_by("pk"):
        retry_capture(order_id=one(failed, n).order_id)


def renew(n):
    """Renew all holds, as if they ended soon."""
    Payment.objects.filter(state="requires_capture").update(authorised_until=datetime.now(UTC))
    with override_settings(SHOP_AUTHORISATION_PERIOD=timedelta()), suppress(PaymentsError):
        renew_holds()


def void(n):
    """Void the label of a shipment."""
    if shipments := Shipment.objects.order_by("pk"):
        with suppress(ShippingError):
            void_shipment(shipment_id=one(shipments, n).pk)


def settle(n):
    """Settle an order that needs attention and cannot be cancelled."""
    if stopped := Order.objects.filter(status="needs_attention").order_by("pk"):
        with suppress(OrdersError):
            settle_order(order_id=one(stopped, n).pk, reason="by agreement")


def send_again(n):
    """Send an order again whose parcel did not arrive, with new goods or those that came back."""
    if stopped := Order.objects.filter(status="needs_attention").order_by("pk"):
        order = one(stopped, n)
        elsewhere = order.ship_to.model_copy(update={"street": one(STREETS, n)})
        with suppress(OrdersError):
            resend_order(order_id=order.pk, reason="lost", new_goods=n % 2 == 0, ship_to=elsewhere)


def give_up(n):
    """Refund and settle an order whose parcel did not arrive, with goods that came back or are lost."""
    if stopped := Order.objects.filter(status="needs_attention").order_by("pk"):
        with suppress(OrdersError):
            refund_and_settle(
                order_id=one(stopped, n).pk, goods=one([RETURNED, LOST], n), reason="not sent again"
            )


def revive(n):
    """Replay a dead letter."""
    if letters := DeadLetter.objects.filter(status="open").order_by("pk"):
        replay_dead_letter(dead_letter_id=one(letters, n).pk, by="operator")


def restock(n):
    """Increase the stock of a scarce product."""
    adjust_stock(sku="SCARCE", quantity=1 + n % 3, reason="goods came in")
    book(bookings=[Booking(kind="received", sku="AHEAD", quantity=1 + n % 2, reason="goods came in")])


OPERATORS = (
    resume,
    give_back,
    take_again,
    renew,
    void,
    revive,
    restock,
    settle,
    refund,
    send_again,
    give_up,
    ask_to_send_back,
    decide_on_return,
    receive_goods,
)


class Shop(RuleBasedStateMachine):
    """A history of the shop. Each rule is a step that is possible in any state that it is drawn for."""

    #: Final states of orders, over all histories.
    ends: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.broker_repeats = False
        #: Choices of those who send goods back once all parcels have come.
        self.afterwards: list[int] = []
        #: The database has not changed since the last audit.
        self.audited = False
        self.broken = ExitStack()

    @initialize(broker_repeats=st.booleans(), afterwards=st.lists(which, min_size=3, max_size=3))
    def a_shop_opens(self, broker_repeats, afterwards):
        self.broker_repeats, self.afterwards = broker_repeats, afterwards

    # --- Customers ---

    @precondition(lambda self: len(self.world.orders) < MOST_ORDERS)
    @rule(
        token=st.sampled_from(TOKENS),
        street=st.sampled_from(STREETS),
        lines=st.sampled_from(LINES),
        retry_payment=st.booleans(),
    )
    def a_customer_orders(self, token, street, lines, retry_payment):
        self.world.place(pays_with=token, street=street, lines=lines, retry_payment=retry_payment)

    @precondition(lambda self: self.world.unconfirmed())
    @rule(n=which, confirms=st.booleans(), is_told=st.booleans())
    def a_customer_answers_the_bank(self, n, confirms, is_told):
        self.world.answer_bank(one(self.world.unconfirmed(), n), confirms=confirms, is_told=is_told)

    @precondition(lambda self: self.world.waiting_for_customers())
    @rule(n=which, token=st.sampled_from(TOKENS))
    def a_customer_pays_by_other_means(self, n, token):
        with suppress(OrdersError):
            request_payment(order_id=one(self.world.waiting_for_customers(), n), payment_method=token)
        self.world.collect()

    @precondition(lambda self: self.world.orders)
    @rule(n=which, decision=st.sampled_from([None, True, False]))
    def a_customers_bank_acts(self, n, decision):
        self.audited = not self.dispute(n, decision)

    def dispute(self, n, decision):
        """Dispute a charge, or decide a dispute for or against the shop; False if there is none."""
        charges = self.world.disputable() if decision is None else self.world.disputed()
        if charges and decision is None:
            self.world.dispute(one(charges, n))
        elif charges:
            self.world.decide_dispute(one(charges, n), won=decision)
        return bool(charges)

    @precondition(lambda self: self.world.orders)
    @rule(n=which, reason=st.sampled_from(["customer", "operator"]))
    def somebody_cancels(self, n, reason):
        with suppress(OrdersError):
            request_cancellation(order_id=one(self.world.orders, n), reason=reason)
        self.world.collect()

    # --- Broker and workers ---

    @precondition(lambda self: self.world.pending)
    @rule(n=which)
    def a_message_arrives(self, n):
        self.world.deliver(self.world.take(one(self.world.pending, n)))

    @precondition(lambda self: self.world.pending)
    @rule(n=which, size=st.integers(2, 10))
    def messages_arrive_together(self, n, size):
        self.world.deliver(self.world.take(one(self.world.pending, n), at_most=size))

    @precondition(lambda self: self.world.pending)
    @rule(n=which, size=st.integers(1, 5), after=st.integers(0, 40))
    def a_worker_dies_over_messages(self, n, size, after):
        self.world.deliver_and_die(self.world.take(one(self.world.pending, n), at_most=size), after=after)

    @precondition(lambda self: self.world.delivered)
    @rule(n=which)
    def a_message_arrives_again(self, n):
        self.world.deliver([one(self.world.delivered, n)])

    @precondition(lambda self: self.world.orders)
    @rule(n=which)
    def an_event_of_the_log_is_replayed(self, n):
        self.world.replay(one(self.world.log(), n))

    @precondition(lambda self: self.world.scheduled())
    @rule(n=which)
    def what_waits_is_due(self, n):
        self.world.make_due(one(self.world.scheduled(), n))

    # --- Providers ---

    @precondition(lambda self: self.calls_outside())
    @rule(n=which, kind=KINDS, calls=st.sampled_from([1, None]))
    def a_message_arrives_whose_provider_does_not_answer(self, n, kind, calls):
        delivery = one(self.calls_outside(), n)
        with PROVIDERS[delivery.consumer.app](kind, calls):
            self.world.deliver(self.world.take(delivery))

    def calls_outside(self):
        return [delivery for delivery in self.world.pending if delivery.consumer.calls_outside]

    @rule(app=st.sampled_from(sorted(PROVIDERS)), kind=KINDS)
    def a_provider_breaks(self, app, kind):
        self.broken.enter_context(PROVIDERS[app](kind, None))
        self.audited = True

    @rule()
    def everything_is_mended(self):
        self.broken.close()
        self.audited = True

    # --- Operators ---

    @precondition(lambda self: self.world.orders)
    @rule(n=which, act=st.sampled_from(OPERATORS))
    def an_operator_acts(self, n, act):
        act(n)
        self.world.collect()

    # --- Invariants ---

    @invariant()
    def the_books_balance(self):
        """The audit finds no violation; what is not consumed or heard of yet is none."""
        if self.audited:
            self.audited = False
            return
        found = [violation for violation in audit().violations if violation.rule != "inbox"]
        unheard = self.world.unheard_losses() if found else set()
        assert [one for one in found if one.rule != "money" or one.order_id not in unheard] == []

    @invariant()
    def every_state_has_a_way_out(self):
        assert without_a_way_out(self.world) == []

    @invariant()
    def nobody_is_charged_or_served_twice(self):
        charged = SimulatedCharge.objects.filter(status="succeeded").values_list("order_id", flat=True)
        booked = SimulatedLabel.objects.filter(status="booked").values_list("key", flat=True)
        assert len(charged) == len(set(charged))
        assert len(booked) == len(set(booked))

    def teardown(self):
        self.broken.close()
        self.world.drain(twice=self.broker_repeats)
        assert without_a_way_out(self.world) == []
        self.what_was_ordered_ahead_comes_in()
        self.nobody_pays_any_more()
        self.goods_and_money_come_back()
        report = audit(idle=True)
        assert report.violations == []
        self.disputes_are_known()
        assert set(report.orders) <= ENDS
        reasons = Order.objects.exclude(attention_reason="").values_list("attention_reason", flat=True)
        assert set(reasons) <= {"refund_failed", "capture_failed", "delivery_failed", "disputed"}
        Shop.ends += report.orders
        Shop.ends += Counter(f"return {state}" for state in Return.objects.values_list("state", flat=True))
        Shop.ends += Counter(f"dispute {end}" for end in Dispute.objects.values_list("status", flat=True))

    def what_was_ordered_ahead_comes_in(self):
        """Receive goods for all orders that wait for some."""
        book(bookings=[Booking(kind="received", sku="AHEAD", quantity=MOST_ORDERS, reason="goods came in")])
        self.world.collect()

    def nobody_pays_any_more(self):
        """Let the payment deadlines pass of orders that wait for other means."""
        with override_settings(SHOP_PAYMENT_DEADLINE=timedelta()):
            self.world.pass_payment_deadlines()
            self.world.drain(twice=self.broker_repeats)
        assert self.world.waiting_for_customers() == []

    def disputes_are_known(self):
        """Our books have the disputes as the provider has them, none of more than was taken."""
        found = gateway().find_disputes
        theirs = {
            (dispute.reference, dispute.status.value, dispute.amount.amount)
            for charge in SimulatedCharge.objects.all()
            for dispute in found(charge=charge.reference)
        }
        ours = Dispute.objects.values_list("reference", "status", "amount")
        assert set(ours) == theirs
        assert not Dispute.objects.filter(amount__gt=F("payment__amount_captured")).exists()

    def goods_and_money_come_back(self):
        """Have goods sent back and charges disputed, for few orders are delivered before the end."""
        for n in self.afterwards:
            for act in (ask_to_send_back, decide_on_return, receive_goods):
                act(n)
                self.world.collect()
            self.dispute(n, None)
            self.dispute(n, one([None, True, False], n))
        assert without_a_way_out(self.world) == []
        self.world.drain(twice=self.broker_repeats)


@pytest.fixture
def _no_time_passes(settings, monkeypatch, caplog):
    """Remove all waiting, and reduce the attempts so that they run out."""
    reach_shop_at_once(monkeypatch)
    settings.EMAIL_BACKEND = "tests.properties.world.MailServer"
    settings.SHOP_RETURN_ARRIVAL = timedelta(0)
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(days=1)
    settings.SHOP_PAYMENT_CHECK_INTERVAL = timedelta(days=1)
    caplog.set_level(logging.CRITICAL, logger="shop")
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)  # fewer round trips
    monkeypatch.setattr(runner, "IMMEDIATE_PAUSE", 0.0)
    monkeypatch.setattr(runner, "IMMEDIATE_TRIES", 2)
    monkeypatch.setattr(failures, "FIRST_DEFERRAL", timedelta(days=1))
    monkeypatch.setattr(failures, "BACKOFF", timedelta(days=1))
    monkeypatch.setattr(failures, "LONGEST_BACKOFF", timedelta(days=1))
    monkeypatch.setattr(failures, "MAX_ATTEMPTS", 3)


@pytest.mark.timeout(0 if EXAMPLES else 300)
@pytest.mark.usefixtures("_no_time_passes")
def test_whatever_happens_in_whatever_order_the_books_balance(transactional_db):
    profile = settings(
        DEEP if EXAMPLES else GATE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Shop, settings=profile)
    assert {"delivered", "cancelled"} <= set(Shop.ends), "too few kinds of histories"
    assert any(end.startswith("return ") for end in Shop.ends), "nothing was sent back"
    assert {"dispute won", "dispute lost"} <= set(Shop.ends), "too few disputes were decided"


@pytest.mark.usefixtures("_no_time_passes")
def test_what_is_remembered_for_an_order_that_people_have_to_end_has_its_way_out(transactional_db):
    world = World()
    world.place(pays_with="pm_card_refundFail", street="1 Rabbit Hole", lines=[("EMPTY", 1)])
    world.drain(twice=False)
    assert Order.objects.get().attention_reason == "refund_failed"
    assert Shipment.objects.get().state == "remembered"
    assert without_a_way_out(world) == []

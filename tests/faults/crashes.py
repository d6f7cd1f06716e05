"""Scenarios that bring a running shop to each of its failpoints, with the expected ends of the orders."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from uuid import UUID, uuid4

from shop.messaging.failpoints import Point
from shop.messaging.worker import dispatcher
from tests.faults.poison import send_raw
from tests.support.deployment import Deployment

#: Maximum seconds to reach a point.
REACHED_WITHIN = 60.0
#: Seconds until every process knows that a consumer is paused. It is longer than the dispatcher's delay
#: before it retries the events of a killed process.
HEARD_OF_PAUSE = dispatcher.RETRY_DELAY + 1.0
CHARGING = "payments.when_order_created_charge_customer"
BOOKING = "shipping.when_inventory_updated_book_carrier"
REMEMBERING = "shipping.when_order_created_remember_address"
_PAUSE = """
    insert into messaging_circuit (consumer, probe_at, last_error, probes) values (%s, %s, '', 0)
    on conflict do nothing
"""
_PROBE_NOW = "update messaging_circuit set probe_at = now()"
STOPPING = "payments.when_inventory_rejected_refund_payment"
CAPTURING = "payments.when_capture_requested_capture_payment"
_BOOKING = (
    "select from shipping_shipment shipment join payments_payment payment using (order_id)"
    " where order_id = %s and shipment.state = 'booking' and payment.state = 'succeeded'"
)
_HELD = "select from messaging_scheduledmessage where kind = 'held' and aggregate_id = %s"

#: Failpoint at which a process was killed and expected final status, by order.
Hits = dict[UUID, tuple[str, str]]


@dataclass
class Crash:
    """Context manager that arms a failpoint and waits until a process has died there."""

    point: str
    shop: Deployment
    folder: Path
    hits: Hits

    def __enter__(self) -> None:
        self.shop.forgive_crashes()
        self._file.touch()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            what = f"a process dies at {self.point}"
            self.shop.wait_until(lambda: self.is_over, within=REACHED_WITHIN, what=what)

    @property
    def _file(self) -> Path:
        return self.folder / self.point

    @property
    def is_over(self) -> bool:
        """True once the process has died."""
        return not self._file.exists()

    def disarm(self) -> None:
        """Disarm the point: a process that reaches it later lives."""
        self._file.unlink(missing_ok=True)

    def place_order(self, *, sku: str = "MUG-BLUE", end: str = "delivered", **how: str) -> UUID:
        """Place an order with the expected final status ``end``."""
        order_id = self.shop.place_order((sku, 1), **how)
        self.hits[order_id] = self.point, end
        return order_id


Story = Callable[[Crash], None]


def an_order(crash: Crash, **how: str) -> None:
    """A process dies on the way of an order."""
    with crash:
        crash.place_order(**how)


def a_request(crash: Crash) -> None:
    """The web server dies over an order; the customer repeats the request with its Idempotency-Key."""
    key = str(uuid4())
    with crash, contextlib.suppress(OSError):
        crash.place_order(idempotency_key=key)
    _ask_again(crash, lambda: crash.place_order(idempotency_key=key))
    placed = crash.shop.rows("select count(*) from orders_order where idempotency_key = %s", key)
    assert placed == [(1,)]


def a_cancellation(crash: Crash) -> None:
    """The web server dies over a cancellation during an outage of the carrier; the customer repeats it."""
    crash.shop.break_carrier("outage", "book")
    order_id = crash.place_order(end="cancelled")
    crash.shop.wait_until(lambda: crash.shop.rows(_BOOKING, order_id), what="it is being booked")
    with crash, contextlib.suppress(OSError):
        crash.shop.cancel_order(order_id)
    _ask_again(crash, lambda: crash.shop.cancel_order(order_id))
    crash.shop.wait_for_status([order_id], "cancelled")  # before the carrier works again


def _ask_again(crash: Crash, ask: Callable[[], object]) -> None:
    """Repeat a request until it is answered: a dying process drops the requests in its queue."""

    def is_answered() -> bool:
        with contextlib.suppress(OSError):
            ask()
            return True
        return False

    crash.shop.wait_until(is_answered, what="an answer")


def a_retry(crash: Crash) -> None:
    """The gateway refuses all immediate attempts of a charge."""
    crash.shop.break_gateway("outage", "authorise")
    an_order(crash)


def an_early_event(crash: Crash) -> None:
    """Shipping receives InventoryUpdated while its consumer of OrderCreated is paused."""
    _pause(crash, REMEMBERING)
    with crash:
        order_id = crash.place_order()
    crash.shop.execute(_PROBE_NOW)
    crash.shop.wait_for_status([order_id], "delivered")  # no consumer may stay paused for the next crash


def poison(crash: Crash) -> None:
    """An unreadable message arrives."""
    with crash:
        send_raw(crash.shop, f"poison for {crash.point}".encode(), to=["payments"])


def a_pause(crash: Crash) -> None:
    """Charging is paused while an order arrives, and then resumes."""
    _pause(crash, CHARGING)
    with crash:
        order_id = crash.place_order()
        crash.shop.wait_until(lambda: crash.is_over or crash.shop.rows(_HELD, order_id), what="it is held")
        crash.shop.execute(_PROBE_NOW)


def several_at_once(crash: Crash, consumer: str, *, sku: str = "MUG-BLUE", end: str = "delivered") -> None:
    """A consumer is paused while orders arrive, which then reach it together."""
    _pause(crash, consumer)
    placed = [crash.place_order(sku=sku, end=end) for _ in range(5)]
    for order_id in placed:
        crash.shop.wait_until(lambda order_id=order_id: crash.shop.rows(_HELD, order_id), what="it is held")
    with crash:
        crash.shop.execute(_PROBE_NOW)
    crash.shop.wait_for_status(placed, end)  # a redelivered probe would end the next pause


def several_captures_at_once(crash: Crash) -> None:
    """As above, while the carrier takes no parcels: a parcel that leaves has its order captured alone."""
    crash.shop.break_carrier("outage", "book")
    _pause(crash, CAPTURING)
    placed = [crash.place_order() for _ in range(5)]
    for order_id in placed:
        crash.shop.wait_until(lambda order_id=order_id: crash.shop.rows(_HELD, order_id), what="it is held")
    with crash:
        crash.shop.execute(_PROBE_NOW)
    crash.shop.mend_providers()
    crash.shop.wait_for_status(placed, "delivered")


def _pause(crash: Crash, consumer: str) -> None:
    crash.shop.wait_until(lambda: not crash.shop.rows("select from messaging_circuit"), what="nothing pauses")

    def is_known() -> bool:
        crash.shop.execute(_PAUSE, consumer, "infinity")
        crash.shop.supervisor.sleep(HEARD_OF_PAUSE)
        # A probe whose process died is redelivered, and ends this pause.
        return bool(crash.shop.rows("select from messaging_circuit"))

    crash.shop.wait_until(is_known, what="a pause that lasts")


def a_stopped_charge(crash: Crash) -> None:
    """The customer cancels while the gateway is out of service and the charge is open."""
    crash.shop.break_gateway("outage", "authorise")
    _cancel_when(crash, "select from payments_payment where order_id = %s and state = 'processing'")


def a_stopped_parcel(crash: Crash) -> None:
    """The customer of a charged order cancels while the carrier is out of service and the booking is open."""
    crash.shop.break_carrier("outage", "book")
    _cancel_when(crash, _BOOKING)


def _cancel_when(crash: Crash, state: str) -> None:
    order_id = crash.place_order(end="cancelled")
    crash.shop.wait_until(lambda: crash.shop.rows(state, order_id), what=state)
    with crash:
        crash.shop.cancel_order(order_id)


several_stops_at_once = partial(several_at_once, consumer=STOPPING, sku="SOLD-OUT", end="cancelled")
lost_charge = partial(an_order, payment_method="pm_card_timeoutAfterCharge")
lost_booking = partial(an_order, street="EZ_TIMEOUT Street")
refused_parcel = partial(an_order, street="EZ6000000006 Street")
pending_refund = partial(refused_parcel, payment_method="pm_card_pendingRefund", end="cancelled")
refused_refund = partial(refused_parcel, payment_method="pm_card_refundFail", end="needs_attention")

#: Scenario for each point. The first ones need an idle shop.
STORIES: dict[str, Story] = {
    Point.BEFORE_DEFER: an_early_event,
    Point.AFTER_DEFER: an_early_event,
    Point.BEFORE_APPEND: a_request,
    Point.AFTER_APPEND: a_request,
    Point.BEFORE_REQUEST_COMMIT: a_cancellation,
    Point.AFTER_REQUEST_COMMIT: a_request,
    Point.BEFORE_PUBLISH: an_order,
    Point.AFTER_PUBLISH: an_order,
    Point.AFTER_CONFIRM: an_order,
    Point.AFTER_DELETE: an_order,
    Point.BEFORE_PROMOTE: an_order,
    Point.AFTER_PROMOTE: an_order,
    Point.BEFORE_INSERT: an_order,
    Point.AFTER_INSERT: an_order,
    Point.BEFORE_COMMIT: an_order,
    Point.AFTER_COMMIT: an_order,
    Point.BEFORE_ANSWER_COMMIT: an_order,
    Point.AFTER_ANSWER_COMMIT: an_order,
    Point.BEFORE_ACKNOWLEDGE: an_order,
    Point.AFTER_ACKNOWLEDGE: an_order,
    Point.BEFORE_DEAD_LETTER: poison,
    Point.AFTER_DEAD_LETTER: poison,
    Point.BEFORE_DEAD_QUEUE: poison,
    Point.AFTER_DEAD_QUEUE: poison,
    Point.BEFORE_RETRY: a_retry,
    Point.AFTER_RETRY: a_retry,
    Point.BEFORE_HOLD: a_pause,
    Point.AFTER_HOLD: a_pause,
    Point.AFTER_PROBE: a_pause,
    Point.BEFORE_CLOSE: a_pause,
    Point.AFTER_CLOSE: a_pause,
    "gateway.authorise.before": an_order,
    "gateway.authorise.after": an_order,
    "gateway.capture.before": an_order,
    "gateway.capture.after": an_order,
    "gateway.capture_many.before": several_captures_at_once,
    "gateway.capture_many.after": several_captures_at_once,
    "gateway.authorise_many.before": partial(several_at_once, consumer=CHARGING),
    "gateway.authorise_many.after": partial(several_at_once, consumer=CHARGING),
    "gateway.find.before": lost_charge,
    "gateway.find.after": lost_charge,
    "gateway.cancel.before": a_stopped_charge,
    "gateway.cancel.after": a_stopped_charge,
    "gateway.cancel_many.before": several_stops_at_once,
    "gateway.cancel_many.after": several_stops_at_once,
    "gateway.refund.before": pending_refund,
    "gateway.refund.after": pending_refund,
    "gateway.find_refund.before": pending_refund,
    "gateway.find_refund.after": pending_refund,
    "gateway.find_refunds.before": refused_refund,
    "gateway.find_refunds.after": refused_refund,
    "carrier.book.before": an_order,
    "carrier.book.after": an_order,
    "carrier.book_many.before": partial(several_at_once, consumer=BOOKING),
    "carrier.book_many.after": partial(several_at_once, consumer=BOOKING),
    "carrier.find_booking.before": lost_booking,
    "carrier.find_booking.after": lost_booking,
    "carrier.void.before": a_stopped_parcel,
    "carrier.void.after": a_stopped_parcel,
    "carrier.track.before": an_order,
    "carrier.track.after": an_order,
    "mail.send_messages.before": an_order,
    "mail.send_messages.after": an_order,
}
#: Points at which the embedded broker differs from RabbitMQ. All others are in the database alone.
BROKERS_OWN = [
    point
    for point in STORIES
    if point.startswith(("relay.publish", "relay.confirm", "relay.delete", "message."))
]

"""History of an order: its state, and the steps that events mean to it, in orders' own words.

A step is a pure function of the state. Steps commute wherever the rules allow events to come in another
order, so that the state is the fold of the order's events as the log has them, however late they came:

- What happened is never taken back: a status of a higher rank stays, and what is undone stays undone.
- What orders decided, and published, stands in the log in the order of the decisions. A decision is void if
  the state has come further: then the event that took it there came after the decision.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from orders.events import (
    CaptureRequested,
    CustomerForgotten,
    OrderCancellationRequested,
    OrderCancelled,
    OrderCreated,
    OrderNeedsAttention,
    OrderResendRequested,
    OrderResumed,
    OrderSettled,
    PaymentAttemptRequested,
    RefundRequested,
    ReturnApproved,
    ReturnCancelled,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from orders.states import (
    CANCELLABLE,
    PRECEDENCE,
    RANK,
    RESENDABLE,
    STAGE_OF_ATTENTION,
    TERMINAL,
    AttentionReason,
    CancelReason,
    PaymentNeeds,
    Status,
)
from shop.messaging.contracts import Event, as_version


class State(NamedTuple):
    """State of an order: the columns that steps change."""

    status: str = Status.PLACED
    cancel_reason: str = ""
    attention_reason: str = ""
    #: The status that it is held up in, if the reason does not imply it.
    attention_stage: str = ""
    #: Operators' note; None if the events, from before they carried it, do not tell.
    attention_note: str | None = ""
    payment_undone: bool = False
    stock_undone: bool = False
    #: Money could not be taken; neither an operator nor a later capture has answered for it.
    capture_failed: bool = False
    #: Money that could not be taken at first is taken.
    capture_recovered: bool = False
    #: Number of the latest attempt to pay.
    payment_attempt: int = 1
    #: What the customer has, or had, to do about it.
    payment_needs: str = PaymentNeeds.NOTHING
    #: Disputes of the payment less those that are won; below zero while an end came before its beginning.
    open_disputes: int = 0

    @property
    def stage(self) -> str:
        """The status, or the one that the order is held up in while it needs attention."""
        return STAGE_OF_ATTENTION.get(self.attention_reason) or self.attention_stage or self.status


Step = Callable[[State], State]
#: What customers have to do, in the order in which payments find it out.
_NEEDS = tuple(PaymentNeeds)


def fold(steps: Iterable[Step]) -> State:
    """Return the state of an order after steps from its beginning."""
    state = State()
    for step in steps:
        state = step(state)
    return state


# --- The way to the customer -------------------------------------------------------------------


def paid(state: State) -> State:
    """Note that the money is held or taken."""
    return _advanced(state, Status.PAID)


def payment_needs(state: State, attempt: int, needs: PaymentNeeds) -> State:
    """Note what the customer has to do about an attempt to pay, unless more is known of it or a later one."""
    known = state.payment_attempt, _NEEDS.index(PaymentNeeds(state.payment_needs))
    if (attempt, _NEEDS.index(needs)) <= known:
        return state
    return state._replace(payment_attempt=attempt, payment_needs=needs)


def stock_awaited(state: State) -> State:
    """Note that the order is paid, and waits for goods to come in."""
    return _advanced(state, Status.AWAITING_STOCK)


def stock_taken(state: State) -> State:
    """Note that the stock serves the order."""
    return _advanced(state, Status.IN_FULFILMENT)


def shipped(state: State) -> State:
    """Note that the parcel has left, even if a cancellation was requested."""
    return _advanced(state, Status.SHIPPED)


def delivered(state: State) -> State:
    """Note that the customer has the parcel."""
    return _advanced(state, Status.DELIVERED)


# --- The way back ------------------------------------------------------------------------------


def payment_failed(state: State) -> State:
    """Give the order up: nothing was charged, and nothing was taken."""
    return _given_up(state._replace(payment_undone=True, stock_undone=True), CancelReason.PAYMENT_FAILED)


def out_of_stock(state: State) -> State:
    """Give the order up: nothing was taken."""
    return _given_up(state._replace(stock_undone=True), CancelReason.OUT_OF_STOCK)


def shipment_failed(state: State) -> State:
    """Give the order up: the carrier refuses its parcel."""
    return _given_up(state, CancelReason.SHIPMENT_FAILED)


def stopped(state: State, reason: str) -> State:
    """Give the order up: shipping has stopped it."""
    return _given_up(state, CancelReason(reason))


def payment_undone(state: State) -> State:
    """Note that nothing is charged any more; that may be known before the order is given up."""
    return _normal(state._replace(payment_undone=True))


def stock_undone(state: State) -> State:
    """Note that nothing is taken any more; that may be known before the order is given up."""
    return state._replace(stock_undone=True)


def nothing(state: State) -> State:
    """Leave the order as it is."""
    return state


# --- What orders decided -----------------------------------------------------------------------


def cancellation_requested(state: State, reason: str) -> State:
    """Give the order up at the request of a person or of a deadline."""
    return _given_up(state, CancelReason(reason))


def completed(state: State) -> State:
    """Complete the cancellation if everything is undone."""
    is_undone = state.payment_undone and state.stock_undone
    if state.stage == Status.CANCELLING and state.cancel_reason and is_undone:
        return cancelled(state, state.cancel_reason)
    return state


def cancelled(state: State, reason: str) -> State:
    """End the order, whatever comes late."""
    return _moved(state, Status.CANCELLED)._replace(cancel_reason=reason)


def held_up(state: State, reason: str, note: str | None = "", stage: str | None = None) -> State:
    """Hold the order up until an operator acts, or the missing outcome comes after all.

    Money that could not be taken comes before other reasons, and no step of the parcel ends it.
    """
    at = STAGE_OF_ATTENTION.get(reason) or stage or state.stage
    if reason == AttentionReason.DISPUTED and state.stage in CANCELLABLE:
        at = state.stage  # it is held wherever it has come to
    if reason == AttentionReason.CAPTURE_FAILED:
        if state.capture_recovered or state.stage == Status.CANCELLING:
            return state
        at = max(at, state.stage, key=RANK.__getitem__)  # the parcel goes on meanwhile
    if _has_ended_for(state, reason) or _awaits_capture(state) or state.attention_reason == reason:
        return state
    if RANK[at] < RANK[state.stage]:
        return state
    held = state._replace(
        status=Status.NEEDS_ATTENTION,
        cancel_reason=state.cancel_reason if at == Status.CANCELLING else "",
        attention_reason=reason,
        attention_stage="" if reason in STAGE_OF_ATTENTION else at,
        attention_note=note,
        capture_failed=state.capture_failed or reason == AttentionReason.CAPTURE_FAILED,
    )
    return _normal(held)


def attention_decided(state: State, reason: str, note: str | None = "", stage: str | None = None) -> State:
    """Hold the order up as it was decided, before events were heard of that the log has earlier.

    If the money could be taken after all, that ended the decision, and with it the reason that came before.
    """
    if reason != AttentionReason.CAPTURE_FAILED:
        return held_up(state, reason, note, stage)
    if state.capture_recovered:
        return resumed(state)
    return held_up(state, reason, note, stage)._replace(capture_failed=True)


def refund_failed(state: State) -> State:
    """Hold the order up for a refund that failed, unless the money came back meanwhile."""
    return state if state.payment_undone else held_up(state, AttentionReason.REFUND_FAILED)


def part_refund_failed(state: State) -> State:
    """Hold the order up for a part of the money only if all of it has to go back."""
    return refund_failed(state) if state.stage == Status.CANCELLING else state


def capture_failed(state: State) -> State:
    """Hold the order up for money that could not be taken, even one that is delivered."""
    return held_up(state, AttentionReason.CAPTURE_FAILED)


def capture_recovered(state: State) -> State:
    """Let an order go on whose money could be taken after all."""
    known = state._replace(capture_failed=False, capture_recovered=True)
    return _moved(known, state.stage) if _awaits_capture(state) else known


def delivery_failed(state: State) -> State:
    """Hold the order up for a parcel that the carrier could not deliver."""
    return held_up(state, AttentionReason.DELIVERY_FAILED)


def resend_failed(state: State) -> State:
    """Hold the order up for a parcel that could not be sent again."""
    return held_up(state, AttentionReason.RESEND_FAILED)


def resent(state: State) -> State:
    """Wait for the parcel that is sent again, unless the first one came after all."""
    return _moved(state, Status.SHIPPED) if state.attention_reason in RESENDABLE else state


def dispute_opened(state: State) -> State:
    """Count a dispute of the payment."""
    return state._replace(open_disputes=state.open_disputes + 1)


def dispute_closed(state: State, won: bool) -> State:
    """Count a dispute that is won; one that is lost waits for an operator."""
    return state._replace(open_disputes=state.open_disputes - 1) if won else state


def disputed(state: State) -> State:
    """Hold the order up for a disputed payment, unless the dispute is won, or its parcel has left."""
    known = dispute_opened(state)
    holds = known.open_disputes > 0 and known.stage in CANCELLABLE
    return held_up(known, AttentionReason.DISPUTED) if holds else known


def resumed(state: State) -> State:
    """Go on waiting in the status that it was held up in."""
    going_on = state._replace(capture_failed=False)
    return _moved(going_on, state.stage) if state.status == Status.NEEDS_ATTENTION else going_on


def settled(state: State, reason: str, cancel_reason: str | None = None) -> State:
    """End the order for an operator's reason, which stays as the note."""
    kept = state.cancel_reason if cancel_reason is None else cancel_reason
    return _moved(state, Status.SETTLED)._replace(attention_note=reason, cancel_reason=kept)


def forgotten(state: State) -> State:
    """Erase what might be personal."""
    return state._replace(attention_note="")


# --- Rules of the steps ------------------------------------------------------------------------


def _advanced(state: State, to: Status) -> State:
    """Advance, unless the order has come as far already or is being cancelled."""
    if RANK[to] <= RANK[state.stage]:
        return state
    if state.attention_reason == AttentionReason.DISPUTED and to in CANCELLABLE:
        return state._replace(attention_stage=to)  # the stock may answer, the parcel still has to wait
    if _awaits_capture(state):
        return state._replace(attention_stage=to)
    advanced = _moved(state, to)._replace(cancel_reason="")  # the parcel was faster than the cancellation
    return capture_failed(advanced) if state.capture_failed else advanced


def _awaits_capture(state: State) -> bool:
    return state.attention_reason == AttentionReason.CAPTURE_FAILED


def _has_ended_for(state: State, reason: str) -> bool:
    """Tell whether the order has ended; a delivered one is not paid if its money could not be taken."""
    is_unpaid = state.status == Status.DELIVERED and reason == AttentionReason.CAPTURE_FAILED
    return state.status in TERMINAL and not is_unpaid


def _given_up(state: State, reason: CancelReason) -> State:
    """Start cancelling; of two reasons one prevails. A shipped or ended order cannot be given up."""
    if state.stage not in (*CANCELLABLE, Status.CANCELLING) or _prevails(state.cancel_reason, reason):
        return state
    given_up = state if state.stage == Status.CANCELLING else _moved(state, Status.CANCELLING)
    return _normal(given_up._replace(cancel_reason=reason))


def _prevails(known: str, other: CancelReason) -> bool:
    """Tell whether the known reason stays: a person's comes before what befell the order."""
    return bool(known) and PRECEDENCE.index(CancelReason(known)) <= PRECEDENCE.index(other)


def _normal(state: State) -> State:
    """Let an order that is held up for a failed refund go on once the money is back."""
    was_refused = state.attention_reason == AttentionReason.REFUND_FAILED
    if was_refused and state.payment_undone and state.cancel_reason:
        return _moved(state, Status.CANCELLING)
    return state


def _moved(state: State, to: str) -> State:
    return state._replace(status=to, attention_reason="", attention_stage="", attention_note="")


# --- Steps of events ---------------------------------------------------------------------------

#: Reads the step from what an event says.
Reading = Callable[[Any], Step]

_STEPS: dict[type[Event], Step] = {
    OrderCreated: nothing,
    OrderResumed: resumed,
    RefundRequested: nothing,
    CaptureRequested: nothing,
    OrderResendRequested: resent,
    CustomerForgotten: forgotten,
    **dict.fromkeys(
        (ReturnRequested, ReturnApproved, ReturnRejected, ReturnReceived, ReturnCancelled, ReturnExpired),
        nothing,
    ),
}
_READINGS: dict[type[Event], Reading] = {
    PaymentAttemptRequested: lambda event: partial(
        payment_needs, attempt=event.attempt, needs=PaymentNeeds.NOTHING
    ),
    OrderCancellationRequested: lambda event: partial(cancellation_requested, reason=event.reason),
    OrderCancelled: lambda event: partial(cancelled, reason=event.reason),
    OrderNeedsAttention: lambda event: partial(
        attention_decided, reason=event.reason, note=event.note, stage=event.stage
    ),
    OrderSettled: lambda event: partial(settled, reason=event.reason, cancel_reason=event.cancel_reason),
}


def learn(steps: Mapping[type[Event], Step], readings: Mapping[type[Event], Reading]) -> None:
    """Learn what events of other contexts mean; :mod:`orders.consumers` knows these events.

    Args:
        steps: the steps of events that mean the same whatever they say.
        readings: the others.
    """
    _STEPS.update(steps)
    _READINGS.update(readings)


def step_of(event: Event) -> Step:
    """Return the step that an event means to its order, in whatever version."""
    kind: type[Event] | None = type(event)
    while kind and kind not in _READINGS:
        if step := _STEPS.get(kind):
            return step
        kind = kind.replaces  # its consumer still reads an older version
    return _READINGS[kind](as_version(event, kind)) if kind else nothing


def step_of_kind(kind: type[Event]) -> Step | None:
    """Return the step of events that mean the same whatever they say; None if this one has to be read."""
    return _STEPS.get(kind)


def event_classes() -> list[type[Event]]:
    """Return the events that have a step."""
    return [*_STEPS, *_READINGS]

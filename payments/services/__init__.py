"""Services of payments: charge customers, refund payments, stop them.

Each service commits its intent, calls the gateway outside of transactions, under a key derived from the
intent, and records the answer in a unit of work with the event. It starts from the stored state, so that it
may run again after a crash at any point. The payment's row lock orders all changes of a payment and its
refunds.
"""

from payments.services.charging import Bill, charge_customers, reconcile_payment
from payments.services.notices import look_into, receive_missed_notices
from payments.services.refunding import (
    check_refund,
    give_back_otherwise,
    learn_refunds,
    refund_part,
    refund_payment,
    resume_refund_checks,
    retry_refund,
)
from payments.services.stopping import stop_payment

__all__ = [
    "Bill",
    "charge_customers",
    "check_refund",
    "give_back_otherwise",
    "learn_refunds",
    "look_into",
    "receive_missed_notices",
    "reconcile_payment",
    "refund_part",
    "refund_payment",
    "resume_refund_checks",
    "retry_refund",
    "stop_payment",
]

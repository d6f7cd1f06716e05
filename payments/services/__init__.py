"""Services of payments: authorise payments, capture them, refund them, stop them.

Each service commits its intent, calls the gateway outside of transactions, under a key derived from the
intent, and records the answer in a unit of work with the event. It starts from the stored state, so that it
may run again after a crash at any point. The payment's row lock orders all changes of a payment and its
refunds.
"""

from payments.services.attempting import attempt_payment
from payments.services.authorising import Bill, authorise_payments, reconcile_payment
from payments.services.capturing import capture_payments, retry_capture
from payments.services.confirming import check_payment, resume_payment_checks
from payments.services.lost_charges import (
    keep_lost_charges,
    release_lost_charges,
    take_over_lost_charge,
)
from payments.services.notices import look_into, receive_missed_notices
from payments.services.refunding import (
    check_refund,
    give_back_otherwise,
    learn_refunds,
    refund_part,
    resume_refund_checks,
    retry_refund,
)
from payments.services.renewing import renew_holds
from payments.services.stopping import stop_payment, stop_payments

__all__ = [
    "Bill",
    "attempt_payment",
    "authorise_payments",
    "capture_payments",
    "check_payment",
    "check_refund",
    "give_back_otherwise",
    "keep_lost_charges",
    "learn_refunds",
    "look_into",
    "receive_missed_notices",
    "reconcile_payment",
    "refund_part",
    "release_lost_charges",
    "renew_holds",
    "resume_payment_checks",
    "resume_refund_checks",
    "retry_capture",
    "retry_refund",
    "stop_payment",
    "stop_payments",
    "take_over_lost_charge",
]

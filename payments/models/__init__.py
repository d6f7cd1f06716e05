"""Models of payments: one payment per order, its former attempts and its refunds.

The simulated gateway's tables are imported only to register them; nothing here refers to them.
"""

from payments.models.attempt import Attempt
from payments.models.dispute import Dispute
from payments.models.payment import HOLD_ENDS, Payment, attempt_of, order_of, payment_key, renewed_until
from payments.models.refund import Refund
from payments.simulator.books import GatewayFault, SimulatedCharge, SimulatedRefund

__all__ = [
    "HOLD_ENDS",
    "Attempt",
    "Dispute",
    "GatewayFault",
    "Payment",
    "Refund",
    "SimulatedCharge",
    "SimulatedRefund",
    "attempt_of",
    "order_of",
    "payment_key",
    "renewed_until",
]

"""How the simulated gateway treats each test token; the names are Stripe's, and three are ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a means of payment does when it is charged or refunded."""

    #: Empty if the charge succeeds.
    decline_code: str = ""
    message: str = ""
    #: Calls answered with a server error before one gets through.
    errors: int = 0
    #: The first call charges and then never answers.
    times_out: bool = False
    #: The first refund fails; one under another key succeeds.
    refund_fails: bool = False
    #: Refunds are pending at first.
    refund_pends: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether a charge has its answer, whatever that is, at the first call."""
        return not self.errors and not self.times_out


TOKENS = {
    "pm_card_visa": Behaviour(),
    "pm_card_mastercard": Behaviour(),
    "pm_card_amex": Behaviour(),
    "pm_card_visa_chargeDeclined": Behaviour("generic_decline", "Your card was declined."),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Behaviour(
        "insufficient_funds", "Your card has insufficient funds."
    ),
    "pm_card_chargeDeclinedExpiredCard": Behaviour("expired_card", "Your card has expired."),
    "pm_card_refundFail": Behaviour(refund_fails=True),
    "pm_card_pendingRefund": Behaviour(refund_pends=True),
    # Ours:
    "pm_card_timeoutAfterCharge": Behaviour(times_out=True),
    "pm_card_gatewayError": Behaviour(errors=2),
}


def behaviour_of(token: str) -> Behaviour:
    """What the token does; one that nobody knows is declined as ``resource_missing``."""
    unknown = Behaviour("resource_missing", f"No such PaymentMethod: '{token}'")
    return TOKENS.get(token, unknown)

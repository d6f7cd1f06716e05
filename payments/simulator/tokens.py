"""Test tokens of the simulated gateway and their behaviour. All but four have Stripe's names."""

from dataclasses import dataclass

from django.utils.translation import gettext_noop

from payments.confirmation import HOSTED_PAGE


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Behaviour of a means of payment when it is authorised, captured and refunded."""

    #: Empty if the amount is held.
    decline_code: str = ""
    message: str = ""
    #: The customer has to confirm at the bank; only then is the amount held or declined.
    must_confirm: bool = False
    #: Number of calls that fail with a server error before one succeeds.
    errors: int = 0
    #: The first call holds the amount, and then does not answer.
    times_out: bool = False
    #: Nothing can be held, as with bank debits: the amount is taken at once.
    takes_at_once: bool = False
    #: The first capture fails; one under another key succeeds.
    capture_fails: bool = False
    #: The first refund fails; one under another key succeeds.
    refund_fails: bool = False
    #: Refunds are pending at first.
    refund_pends: bool = False

    @property
    def is_sound(self) -> bool:
        """True if the first call has an outcome, be it a decline."""
        return not self.errors and not self.times_out


TOKENS = {
    "pm_card_visa": Behaviour(),
    "pm_card_mastercard": Behaviour(),
    "pm_card_amex": Behaviour(),
    "pm_card_visa_chargeDeclined": Behaviour("generic_decline", gettext_noop("Your card was declined.")),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Behaviour(
        "insufficient_funds", gettext_noop("Your card has insufficient funds.")
    ),
    "pm_card_chargeDeclinedExpiredCard": Behaviour("expired_card", gettext_noop("Your card has expired.")),
    "pm_card_authenticationRequired": Behaviour(must_confirm=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Behaviour(
        "insufficient_funds", gettext_noop("Your card has insufficient funds."), must_confirm=True
    ),
    "pm_card_refundFail": Behaviour(takes_at_once=True, refund_fails=True),
    "pm_card_pendingRefund": Behaviour(takes_at_once=True, refund_pends=True),
    # Beyond Stripe's:
    HOSTED_PAGE: Behaviour(must_confirm=True),
    "pm_card_captureFail": Behaviour(capture_fails=True),
    "pm_card_timeoutAfterCharge": Behaviour(times_out=True),
    "pm_card_gatewayError": Behaviour(errors=2),
}


def behaviour_of(token: str) -> Behaviour:
    """Return the behaviour of a token; an unknown one is declined as ``resource_missing``."""
    unknown = Behaviour("resource_missing", f"No such PaymentMethod: '{token}'")
    return TOKENS.get(token, unknown)


#: Tokens whose first capture fails.
CAPTURE_FAILS = [token for token, behaviour in TOKENS.items() if behaviour.capture_fails]

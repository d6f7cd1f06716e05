"""Test cards of the simulated payment gateway, with the outcome of each."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

#: Labels for customers, by token.
CARDS = {
    "pm_card_visa": _("Visa – is accepted"),
    "pm_card_mastercard": _("Mastercard – is accepted"),
    "pm_card_amex": _("American Express – is accepted"),
    "pm_card_visa_chargeDeclined": _("Visa – is declined"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _("Visa – is declined for lack of funds"),
    "pm_card_chargeDeclinedExpiredCard": _("Visa – has expired"),
    "pm_card_authenticationRequired": _("Visa – asks you to confirm at the bank"),
    "pm_card_gatewayError": _("Visa – is accepted once the bank's trouble is over"),
    "pm_card_timeoutAfterCharge": _("Visa – is charged, but the bank's answer gets lost"),
    "pm_card_captureFail": _("Visa – is accepted; the charge fails at first"),
    "pm_card_pendingRefund": _("Visa – is accepted; a refund takes a while"),
    "pm_card_refundFail": _("Visa – is accepted; a refund fails at first"),
}


def card_name(token: str) -> str:
    """Return the name of a card for use in a sentence."""
    return str(CARDS.get(token, gettext("Card"))).split(" – ")[0]

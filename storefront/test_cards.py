"""Test cards of the simulated payment gateway, with the outcome of each."""

#: Labels for customers, by token.
CARDS = {
    "pm_card_visa": "Visa – is accepted",
    "pm_card_mastercard": "Mastercard – is accepted",
    "pm_card_amex": "American Express – is accepted",
    "pm_card_visa_chargeDeclined": "Visa – is declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "Visa – is declined for lack of funds",
    "pm_card_chargeDeclinedExpiredCard": "Visa – has expired",
    "pm_card_authenticationRequired": "Visa – asks you to confirm at the bank",
    "pm_card_gatewayError": "Visa – is accepted once the bank's trouble is over",
    "pm_card_timeoutAfterCharge": "Visa – is charged, but the bank's answer gets lost",
    "pm_card_captureFail": "Visa – is accepted; the charge fails at first",
    "pm_card_pendingRefund": "Visa – is accepted; a refund takes a while",
    "pm_card_refundFail": "Visa – is accepted; a refund fails at first",
}


def card_name(token: str) -> str:
    """Return the name of a card for use in a sentence."""
    return CARDS.get(token, "Card").split(" – ")[0]

"""The test cards that customers pay with here, and what each does; the tokens are the simulator's."""

#: Token -> what the customer reads.
CARDS = {
    "pm_card_visa": "Visa – is accepted",
    "pm_card_mastercard": "Mastercard – is accepted",
    "pm_card_amex": "American Express – is accepted",
    "pm_card_visa_chargeDeclined": "Visa – is declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "Visa – is declined for lack of funds",
    "pm_card_chargeDeclinedExpiredCard": "Visa – has expired",
    "pm_card_gatewayError": "Visa – is accepted once the bank's trouble is over",
    "pm_card_timeoutAfterCharge": "Visa – is charged, but the bank's answer gets lost",
    "pm_card_pendingRefund": "Visa – is accepted; a refund takes a while",
    "pm_card_refundFail": "Visa – is accepted; a refund fails at first",
}


def card_name(token: str) -> str:
    """What to call a means of payment in a sentence."""
    return CARDS.get(token, "Card").split(" – ")[0]

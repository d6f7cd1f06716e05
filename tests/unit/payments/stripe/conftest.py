"""Both gateways behind their port."""

from contextlib import suppress

import pytest

from payments.gateway import Charge
from payments.models import SimulatedCharge, SimulatedRefund
from payments.simulator import disputing
from payments.simulator.gateway import confirm
from payments.stripe.minor_units import to_minor
from shop.messaging.contracts import Money
from tests.support.stripe import disputes
from tests.support.stripe.answers import Refused
from tests.support.stripe.checkout import give_card
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401
from tests.support.stripe.server import StripeStandIn


class SimulatorBackstage:
    """Acts of others at the simulator."""

    def customer_answers(self, charge: Charge, *, confirms: bool) -> None:
        confirm(charge.reference, confirmed=confirms)

    def refund_by_hand(self, charge: Charge, amount: Money) -> None:
        made = SimulatedCharge.objects.get(pk=charge.reference)
        SimulatedRefund.objects.create(
            key=f"hand:{amount}", charge=made, amount=amount.amount, status="succeeded"
        )

    def dispute(self, charge: Charge) -> None:
        disputing.open_dispute(charge.reference)

    def decide_dispute(self, charge: Charge, *, won: bool) -> None:
        disputing.close_dispute(charge.reference, won=won)


class StripeBackstage:
    """Acts of others at Stripe."""

    def __init__(self, api: StripeStandIn) -> None:
        self.account = api.account

    def customer_answers(self, charge: Charge, *, confirms: bool) -> None:
        with suppress(Refused):
            if charge.reference.startswith("cs_"):
                give_card(self.account, charge.reference, "pm_card_visa")
            else:
                self.account.customer_answers(charge.reference, confirms=confirms)

    def refund_by_hand(self, charge: Charge, amount: Money) -> None:
        self.account.refund_in_dashboard(charge.reference, to_minor(amount))

    def dispute(self, charge: Charge) -> None:
        disputes.open_dispute(self.account, charge.reference)

    def decide_dispute(self, charge: Charge, *, won: bool) -> None:
        (name,) = self.account.disputes
        disputes.decide(self.account, name, "won" if won else "lost")


@pytest.fixture(params=["simulator", "stripe"])
def backstage(request, settings):
    """Make each gateway the configured one in turn."""
    if request.param == "stripe":
        return StripeBackstage(request.getfixturevalue("stripe_api"))
    settings.SHOP_PAYMENT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"
    return SimulatorBackstage()

"""Receiver of confirmed e-mail addresses."""

from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from notifications import services
from shop.accounts.signals import address_confirmed


@receiver(address_confirmed)
def send_what_was_withheld(addresses: Collection[str], email: str, **_: Any) -> None:
    """Have the messages sent that were withheld until an address was confirmed."""
    if addresses:
        services.release_withheld(addresses=addresses, email=email)

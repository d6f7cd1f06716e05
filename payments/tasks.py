"""Periodic Celery tasks of payments."""

import logging

from celery import shared_task

from payments import services

logger = logging.getLogger("shop.payments")


@shared_task(name="payments.ask_for_missed_notices", ignore_result=False)
def ask_for_missed_notices() -> dict[str, int]:
    """Ask the provider for what its webhooks have not brought."""
    missed = services.receive_missed_notices()
    if missed:
        logger.warning("%d notices of the provider had not come: see whether its webhooks arrive", missed)
    return {"missed": missed}


@shared_task(name="payments.renew_holds", ignore_result=False)
def renew_holds() -> dict[str, int]:
    """Hold anew what the provider lets go of soon."""
    return {"renewed": services.renew_holds()}

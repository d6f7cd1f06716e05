"""Receiver of integrations: secrets follow the keys of the installation."""

from django.db import transaction
from django.dispatch import receiver

from integrations.models import Endpoint
from integrations.secrets import sealed_again
from shop.privacy.rotation import rotated


@receiver(rotated, dispatch_uid="integrations.secrets")
@transaction.atomic
def encrypt_secrets_again(**kwargs: object) -> None:
    """Encrypt the secrets of all endpoints by the present key of the installation."""
    for endpoint in Endpoint.objects.select_for_update().order_by("pk"):
        endpoint.secret = sealed_again(endpoint.secret, endpoint.pk)
        if endpoint.former_secret:
            endpoint.former_secret = sealed_again(endpoint.former_secret, endpoint.pk)
        endpoint.save(update_fields=["secret", "former_secret"])

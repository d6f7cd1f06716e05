"""Models of the REST API: the answers that repeated requests get again."""

from django.db import models
from django.utils import timezone


class IdempotencyRecord(models.Model):
    """Answer to a request with an Idempotency-Key, written in the transaction of its act."""

    #: SHA-256 of user, method, path and key. The key itself is not stored.
    digest = models.CharField(max_length=64, primary_key=True, editable=False)
    user_id = models.BigIntegerField(editable=False)
    method = models.CharField(max_length=10, editable=False)
    path = models.CharField(max_length=2000, editable=False)
    #: SHA-256 of the body.
    fingerprint = models.CharField(max_length=64, editable=False)
    #: Status, headers and body, encrypted: an answer may contain personal data.
    answer = models.BinaryField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

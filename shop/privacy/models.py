"""Models of privacy: data subjects and their wrapped keys."""

from django.db import models

from shop.ids import uuid7


class DataSubject(models.Model):
    """A person about whom events speak, and the key that seals what they say.

    A forgotten subject stays, without its key: late events about it find that out.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    #: The account; None for a subject without one.
    account_id = models.BigIntegerField(unique=True, null=True, blank=True)
    #: The key, encrypted by a key of the installation; empty once the subject is forgotten.
    wrapped_key = models.CharField(max_length=120, blank=True)
    #: Label of the installation's key that wraps it.
    wrapped_by = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    forgotten_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "data subject"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(forgotten_at__isnull=True) | models.Q(wrapped_key=""),
                name="subject_forgotten_without_key",
            )
        ]
        permissions = [
            ("view_personal_data", "Can read personal data in events"),
            ("forget_customer", "Can forget customers"),
        ]

    def __str__(self) -> str:
        return str(self.id)

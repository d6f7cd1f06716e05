"""Models of accounts: keys of the REST API, and counters of requests by digests of names and addresses."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

#: Length of the first part of a key. It is public: keys are looked up and recognized by it.
PREFIX_LENGTH = 13


class ApiKey(models.Model):
    """A key of the REST API. Its owner sees it once; the table has its digest alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField("begins with", max_length=PREFIX_LENGTH, unique=True)
    #: SHA-256 of the whole key, as hexadecimal digits. A key is random, so that it needs no salt.
    digest = models.CharField(max_length=64)
    #: Digest of the owner's password hash when the key was made: it ends when the password changes.
    password_digest = models.CharField(max_length=64)
    #: Scopes such as ``orders:read``; empty: all that the owner may.
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    #: The key that this one was made with, and ends with.
    made_with = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    #: Written once a minute at most.
    last_used_at = models.DateTimeField("last used", null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class RequestCount(models.Model):
    """Number of a client's requests in the present window of time.

    The table is unlogged: counting waits for no disk, and a crash of the database starts all windows anew.
    """

    key = models.UUIDField(primary_key=True)
    number = models.IntegerField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.number} until {self.expires_at}"


class FailedLogin(models.Model):
    """Wrong passwords in a row for one account from one address, and the wait that they have led to."""

    key = models.UUIDField(primary_key=True)
    failures = models.IntegerField()
    blocked_until = models.DateTimeField()
    #: Time at which the failures are forgotten.
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.failures}, blocked until {self.blocked_until}"


class UnconfirmedAddress(models.Model):
    """An e-mail address that nobody has confirmed yet, or not since mail to it came back."""

    class Reason(models.TextChoices):
        """Reason why an address has to be confirmed again."""

        #: There is no such mailbox, or it takes nothing from the shop.
        BOUNCED = "bounced"
        #: Its owner has marked a message as spam.
        COMPLAINED = "complained"

    #: None for an address that no account has, but an order.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="unconfirmed_addresses"
    )
    #: In lower case.
    email = models.EmailField(max_length=254)
    #: The account orders under this address already, and what is mailed to it is withheld. Otherwise it is
    #: going to be the account's next one.
    is_in_use = models.BooleanField()
    #: Empty for an address that never was confirmed.
    reason = models.CharField(max_length=10, choices=Reason, blank=True, default="", db_default="")
    #: Time at which an address with a reason was confirmed again: older mail that comes back counts no more.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email", "user"], name="unconfirmed_address_once"),
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(user=None), name="unconfirmed_address_of_nobody_once"
            ),
        ]
        permissions = [("let_mail_pass", "Can let mail pass to an address that it came back from")]
        verbose_name_plural = "unconfirmed addresses"

    def __str__(self) -> str:
        return f"address of account {self.user_id}" if self.user_id else "address of no account"


class Guest(models.Model):
    """A customer who has ordered with an e-mail address alone. The account has neither name nor password."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="guest"
    )
    #: In lower case. The account has none, so that it stands in nobody's way.
    email = models.EmailField(max_length=254)
    #: The account with the same address, confirmed, that the orders are shown to.
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="claimed_guests",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email"], condition=models.Q(claimed_by=None), name="unclaimed_guest_once"
            )
        ]
        indexes = [models.Index(fields=["email"], name="guest_by_email")]

    def __str__(self) -> str:
        return f"guest {self.user_id}"


class OperatorZone(models.Model):
    """The time zone that a member of staff has chosen for the admin's pages."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="operator_zone"
    )
    zone = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.zone


class AccountMail(models.Model):
    """An e-mail about an account that is to be sent, or was today. Links are made when it is sent."""

    class Kind(models.TextChoices):
        """Kind of an e-mail."""

        CONFIRM = "confirm"
        REGISTERED_ALREADY = "registered_already"
        RESET = "reset"
        PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
        ADDRESS_CHANGED = "address_changed"
        ORDER_LINK = "order_link"

    kind = models.CharField(max_length=20, choices=Kind)
    email = models.EmailField(max_length=254)
    #: Scheme and host of the links, as the request had them.
    site = models.CharField(max_length=300)
    #: Order that a link leads to.
    order_id = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    #: None once it is sent, or there is nobody to send it to.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="account_mail_due"
            ),
            models.Index(fields=["email", "kind"], name="account_mail_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.created_at}"


class RecoveryCode(models.Model):
    """A code that opens an account once, in the place of one from a lost device. Its digest alone is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"recovery code of account {self.user_id}"

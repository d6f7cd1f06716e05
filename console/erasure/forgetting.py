"""Forgetting of a customer: the key destroyed at once, and what the contexts keep as soon as that is safe."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from console.erasure import accounts, erasures_file, exporting
from console.erasure.erasures_file import Erasure
from console.erasure.errors import NoSuchCustomer, StaffAccount
from orders import erasure as orders
from orders.errors import OrdersStillOpen
from shop.accounts.guests import claimed_by
from shop.accounts.security_log import record
from shop.privacy.data_keys import cache, key_for_account
from shop.privacy.models import DataSubject


@dataclass(frozen=True, slots=True)
class Applied:
    """Outcome of applying the erasures of the file again."""

    #: Subjects that were known, and are forgotten now.
    forgotten: list[UUID]
    #: Subjects that the back-up did not have. Late events about them stay sealed.
    unknown: list[UUID]
    #: Subjects with an order that has not ended.
    waiting: list[UUID]


def find_customer(name: str) -> User:
    """Return the account with this user name, e-mail address or primary key.

    Raises:
        NoSuchCustomer: there is none, or it is the name of several.
    """
    by_key = Q(pk=int(name)) if name.isdecimal() and len(name) < 10 else Q(pk__in=[])
    of_guest = Q(guest__email__iexact=name, guest__claimed_by=None)
    by_name = Q(username=name) | Q(email__iexact=name) | of_guest
    found = list(User.objects.filter(by_key | by_name)[:2]) if name else []
    if len(found) != 1:
        several = "This is the name, address or id of several accounts: give the id of one."
        none = f"There is no account {name}: give its user name, e-mail address or id."
        raise NoSuchCustomer(several if found else none)
    return found[0]


def preview(user: User) -> Mapping[str, int]:
    """Return the number of rows with data of a customer, by table.

    Raises:
        OrdersStillOpen, StaffAccount: the customer cannot be forgotten now.
    """
    _check(user)
    return {table: len(rows) for table, rows in exporting.rows_about(user).items()}


def forget(user: User) -> UUID:
    """Forget a customer, with all guests that the account has claimed; return the data subject.

    Repeated, it erases what may have come back.

    The account and the key go at once, and the subject is noted in the file of erasures. What contexts keep
    is erased once no process can remember the key.

    Raises:
        OrdersStillOpen, StaffAccount: the customer cannot be forgotten now.
    """
    with transaction.atomic():
        # A first order at the same moment waits for this lock, or is seen.
        user = User.objects.select_for_update().get(pk=user.pk)
        _check(user)
        for guest in User.objects.filter(guest__claimed_by=user):
            _forget(guest)
        subject_id = _forget(user)
    cache.clear()
    record("customer_forgotten", user=user)
    return subject_id


def _forget(user: User) -> UUID:
    with key_for_account(user.pk) as key:
        pass
    subject_id = key.result.subject_id
    orders.schedule_erasure(customer_id=user.pk, subject_id=subject_id)
    accounts.erase_account(user, accounts.words_of(user) | orders.words_of(user.pk))
    _destroy_key(subject_id)
    # Before the commit: rather an erasure too many after a restore.
    erasures_file.add(Erasure(subject_id, user.pk, user.date_joined))
    return subject_id


def apply_erasures() -> Applied:
    """Forget all customers in the file of erasures who are known again, after a back-up was restored."""
    applied = Applied([], [], [])
    for erasure in erasures_file.erasures():
        _apply(erasure, applied)
    return applied


def _apply(erasure: Erasure, applied: Applied) -> None:
    subject, is_new = DataSubject.objects.get_or_create(
        pk=erasure.subject_id, defaults={"forgotten_at": timezone.now()}
    )
    if is_new:
        applied.unknown.append(subject.pk)
    user = User.objects.filter(pk=erasure.account_id, date_joined=erasure.joined_at).first()
    if user is None:
        return
    if not is_new and subject.forgotten_at is not None:
        _resume(user, subject.pk)
        return
    try:
        forget(user)
    except OrdersStillOpen:
        applied.waiting.append(subject.pk)
    else:
        applied.forgotten.append(subject.pk)


def _resume(user: User, subject_id: UUID) -> None:
    """Have the erasure of a forgotten customer finished: its timer may have been in a broker that is lost."""
    if not orders.is_erased(customer_id=user.pk):
        with transaction.atomic():
            orders.schedule_erasure(customer_id=user.pk, subject_id=subject_id)


def _check(user: User) -> None:
    if user.is_staff or user.is_superuser:
        raise StaffAccount(
            gettext(
                "Staff are not forgotten: what they did is recorded under their names. "
                "Take their rights away first."
            )
        )
    for account_id in (user.pk, *claimed_by(user.pk)):
        orders.check_all_ended(customer_id=account_id)


def _destroy_key(subject_id: UUID) -> None:
    subject = DataSubject.objects.filter(pk=subject_id)
    subject.update(wrapped_key="", wrapped_by="")
    subject.filter(forgotten_at__isnull=True).update(forgotten_at=timezone.now())

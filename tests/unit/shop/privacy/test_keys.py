"""Keys of data subjects: one each, wrapped by a key of the installation that can be changed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from shop.privacy import data_keys
from shop.privacy.checks import keys_can_be_unwrapped
from shop.privacy.data_keys import key_for_account, keys_of
from shop.privacy.errors import UnknownInstallationKey
from shop.privacy.models import DataSubject


def key_of(account_id=7):
    with key_for_account(account_id) as key:
        pass
    return key.result


def read_again(key):
    data_keys.cache.clear()
    return keys_of([key.subject_id])[key.subject_id].secret


@pytest.mark.django_db
def test_an_account_has_one_key():
    assert key_of(7).secret == key_of(7).secret != key_of(8).secret
    assert DataSubject.objects.count() == 2


@pytest.mark.django_db
def test_the_database_has_no_key_in_clear():
    key = key_of()
    assert key.secret.hex() not in str(DataSubject.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_first_orders_at_the_same_moment_make_one_key():
    def first_order(_):
        try:
            data_keys.cache.clear()
            return key_of().secret
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(first_order, range(16)))) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_undone_with_its_transaction_is_not_remembered():
    with transaction.atomic():
        undone = key_of()
        transaction.set_rollback(True)
    assert key_of().secret != undone.secret


@pytest.mark.django_db(transaction=True)
def test_a_key_is_remembered(django_assert_num_queries):
    key_of()
    with django_assert_num_queries(0):
        key_of()


@pytest.mark.django_db
def test_keys_are_wrapped_anew_by_the_first_key(settings):
    settings.SHOP_PRIVACY_KEYS = ["old"]
    keys = [key_of(account) for account in range(3)]
    settings.SHOP_PRIVACY_KEYS = ["new", "old"]
    assert read_again(keys[0]) == keys[0].secret
    call_command("rotate_privacy_keys")
    settings.SHOP_PRIVACY_KEYS = ["new"]
    assert [read_again(key) for key in keys] == [key.secret for key in keys]


@pytest.mark.django_db
def test_a_destroyed_key_is_not_wrapped_anew(settings):
    subject = key_of().subject_id
    DataSubject.objects.update(wrapped_key="")
    settings.SHOP_PRIVACY_KEYS = ["new", *settings.SHOP_PRIVACY_KEYS]
    call_command("rotate_privacy_keys")
    assert DataSubject.objects.get(pk=subject).wrapped_key == ""


@pytest.mark.django_db
def test_a_key_of_the_installation_that_is_missing_is_named(settings):
    settings.SHOP_PRIVACY_KEYS = ["old"]
    key = key_of()
    assert keys_can_be_unwrapped(databases=["default"]) == []
    settings.SHOP_PRIVACY_KEYS = ["new"]
    with pytest.raises(UnknownInstallationKey, match="name it in SHOP_PRIVACY_KEYS"):
        read_again(key)
    with pytest.raises(CommandError, match="name it in SHOP_PRIVACY_KEYS"):
        call_command("rotate_privacy_keys")
    [problem] = keys_can_be_unwrapped(databases=["default"])
    assert problem.id == "privacy.E001"


@pytest.mark.django_db
def test_each_purpose_has_a_key_of_its_own():
    key = key_of()
    text = key.cipher("payment").encrypt(b"a nonce here", b"pm_card_visa", None)
    with pytest.raises(InvalidTag):
        key.cipher("personal").decrypt(b"a nonce here", text, None)

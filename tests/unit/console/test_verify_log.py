"""``manage.py verify_log`` and its key."""

import re

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from shop.messaging.log_proof import keys, roots
from shop.messaging.models import EventRecord, LogRoot
from tests.unit.shop.messaging.log_proof.conftest import superuser

pytestmark = pytest.mark.django_db(transaction=True)


def verify(capsys, **options):
    """Return the exit code of the command, and its output."""
    try:
        call_command("verify_log", **options)
    except SystemExit as end:
        return end.code, capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_an_untouched_log_is_as_it_was_appended(shop, capsys):
    shop.delivered()
    code, said = verify(capsys)
    assert (code, "The log is as it was appended." in said) == (0, True)


def test_events_from_before_the_chain_are_counted(shop, capsys):
    shop.place()
    with superuser() as cursor:
        cursor.execute("UPDATE messaging_eventrecord SET hash = NULL")
    code, said = verify(capsys)
    assert (code, "1 events are from before the hash chain" in said) == (0, True)


def test_a_changed_event_is_named_by_position_type_and_order(shop, capsys):
    order = shop.delivered()
    record = EventRecord.objects.get(aggregate_id=order.pk, type__contains="PaymentProcessed")
    with superuser() as cursor:
        cursor.execute(
            "UPDATE messaging_eventrecord SET data = data || '{\"amount\": 1}' WHERE position = %s",
            [record.position],
        )
    code, said = verify(capsys)
    named = f"position {record.position}, {record.type}, event {record.sequence} of {order.number}:"
    assert (code, f"{named} was changed" in said) == (1, True)


def test_a_root_noted_down_outside_has_to_be_there(shop, capsys, settings):
    settings.SHOP_LOG_KEY = keys.new_key()[0]
    shop.place()
    roots.sign_new_events(settling=0)
    noted = re.search(r"Note down outside: (\S+)", verify(capsys)[1])[1]
    assert verify(capsys, known_root=noted)[0] == 0

    with superuser() as cursor:
        cursor.execute("DELETE FROM messaging_logroot")
    code, said = verify(capsys, known_root=noted)
    assert (code, "root 1 is not the one that was noted down" in said) == (1, True)
    assert not LogRoot.objects.exists()
    with pytest.raises(CommandError, match="a number and a signature"):
        verify(capsys, known_root="newest")


def test_a_new_key_is_a_setting_that_is_accepted(capsys, settings):
    call_command("make_log_key")
    private, public = re.findall(r"[0-9a-f]{64}", capsys.readouterr().out)
    settings.SHOP_LOG_KEY = private
    assert run_checks(tags=["messaging"]) == []
    assert keys.public_key() == public
    settings.SHOP_LOG_KEY = "secret"
    assert [error.id for error in run_checks(tags=["messaging"])] == ["messaging.E008"]

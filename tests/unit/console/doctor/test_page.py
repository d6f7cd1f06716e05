"""The page of the doctor: findings, repairs, actions and permissions."""

import ast
from collections import Counter

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Permission, User
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from console.audit.rules import RULES
from console.doctor.checked import CHECKS
from console.models import Checkup, Repair
from console.tasks import check_up as check_up_task
from dev.paths import ROOT
from inventory.models import Product
from payments.models import SimulatedCharge
from shop.messaging.consuming import failures
from shop.messaging.models import Circuit
from tests.unit.console.damage import READERS, lose_outbox, repair

URL = "/admin/doctor/"


@pytest.fixture
def dora(client, operator):
    client.force_login(operator)
    return client


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_an_audit_shows_its_findings_and_what_would_be_done(shop, dora, settings):
    settings.SHOP_DOCTOR_GRACE = 0 * project.SHOP_DOCTOR_GRACE
    order = shop.place()
    lose_outbox()
    page = text(dora.post(URL, {"action": "audit"}, follow=True))
    assert "payments.when_order_created_charge_customer" in page
    assert reverse("admin:orders_order_change", args=[order.pk]) in page
    assert "Resend 1 to payments.events" in page
    assert Repair.objects.count() == 0

    page = text(dora.post(URL, {"action": "repair"}, follow=True))
    assert f"<strong>{len(READERS)}</strong> repaired" in page
    assert Repair.objects.filter(by="operator").count() == len(READERS)


def test_an_order_that_needs_attention_is_there_with_its_reason_and_the_legal_actions(shop, dora, settings):
    order = shop.stuck_refund()
    page = text(dora.get(URL))
    assert "The money could not be given back" in page
    assert f"{reverse('admin:payments_refund_changelist')}?q={order.pk}" in page
    assert reverse("admin:orders_order_settle", args=[order.pk]) in page
    assert reverse("admin:orders_order_resume", args=[order.pk]) not in page, "nothing more will come"
    assert reverse("admin:orders_order_cancel", args=[order.pk]) not in page, "it is being cancelled"


def test_what_the_doctor_says_of_an_order_stands_beside_its_reason(shop, dora, settings):
    settings.SHOP_TRACKING_INTERVAL = project.SHOP_CARRIER_DEADLINE
    order = shop.shipped()
    SimulatedCharge.objects.update(captured=1)
    repair()
    for page in (text(dora.get(URL)), text(dora.get(reverse("admin:orders_order_change", args=[order.pk])))):
        assert "The books disagree" in page
        assert "1.00 and 0.00 by the provider" in page


def test_a_stock_that_differs_is_recounted_from_the_page(shop, dora):
    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    assert 'value="MUG"' in text(dora.post(URL, {"action": "repair"}, follow=True))
    refused = text(dora.post(URL, {"action": "recount", "sku": "MUG", "counted": ""}, follow=True))
    assert "Say how many of MUG you counted" in refused
    done = text(dora.post(URL, {"action": "recount", "sku": "MUG", "counted": "180"}, follow=True))
    assert "There are 180 of" in done
    assert "all invariants hold" in text(dora.post(URL, {"action": "audit"}, follow=True))


def test_the_index_of_the_admin_leads_to_the_doctor(shop, dora):
    assert URL in text(dora.get("/admin/"))
    dora.post(URL, {"action": "audit"})
    assert "no finding in the check-up of" in text(dora.get("/admin/"))


def test_who_may_only_look_cannot_act(shop, client):
    viewer = User.objects.create_user("vera", is_staff=True)
    client.force_login(viewer)
    assert client.get(URL).status_code == 403
    viewer.user_permissions.add(Permission.objects.get(codename="view_checkup"))
    assert "Audit now" not in text(client.get(URL))
    for action in ("audit", "repair", "recount"):
        assert client.post(URL, {"action": action, "sku": "MUG", "counted": "1"}).status_code == 403
    assert Checkup.objects.count() == 0


def test_a_stranger_is_sent_to_the_login(shop, client):
    assert client.get(URL)["Location"].startswith("/admin/login/")


def test_the_clock_has_it_repair(shop):
    entry = project.CELERY_BEAT_SCHEDULE["console.check_up"]
    assert entry["task"] == check_up_task.name
    assert check_up_task(**entry["kwargs"]) == {"orders": 0}
    assert Checkup.objects.get().repairing


def test_forged_messages_are_an_alarm_on_the_first_page_and_a_finding(shop, dora):
    failures.dead_letter_forged(app="payments", body='{"data": {"name": "Mallory"}}')
    page = text(dora.get("/admin/"))
    assert "was sent messages that do not come from the shop: 1" in page
    assert "cause__exact=forged" in page
    assert "Mallory" not in page

    page = text(dora.post(URL, {"action": "repair"}, follow=True))
    assert "it was sent 1 forged messages" in page
    assert "ind out who may publish to the broker" in page


def test_without_forged_messages_there_is_no_alarm(shop, dora):
    assert "do not come from the shop" not in text(dora.get("/admin/"))


def test_the_page_of_a_check_up_shows_what_was_found_and_what_was_in_order(shop, dora, settings):
    settings.SHOP_DOCTOR_GRACE = 0 * project.SHOP_DOCTOR_GRACE
    order = shop.delivered()
    Product.objects.filter(sku="MUG").update(available=F("available") + 1)
    SimulatedCharge.objects.update(captured=1)
    dora.post(URL, {"action": "audit"})
    checkup = Checkup.objects.get()
    page = text(dora.get(_page_of(checkup)))
    assert reverse("admin:orders_order_change", args=[order.pk]) in page
    assert "It only audited, and changed nothing." in page
    assert "1 finding" in _result(page, "The stock is what its movements and the orders say.")
    assert "In order" in _result(page, "Every event has reached all of its consumers")
    assert "&quot;kind&quot;" not in page, "no JSON"


def test_what_needs_a_person_comes_first_on_it(dora):
    states = ("under way", "repaired", "left", "handed over")
    found = {"kind": "stock", "says": "", "order_id": None, "outcome": ""}
    checkup = Checkup.objects.create(
        by="operator", repairing=True, findings=[{**found, "about": one, "state": one} for one in states]
    )
    page = text(dora.get(_page_of(checkup)))
    urgent_first = ("left", "handed over", "repaired", "under way")
    places = [page.index(f'data-label="About">{state}<') for state in urgent_first]
    assert places == sorted(places)


def test_a_check_up_with_too_many_findings_does_not_say_that_the_rest_is_in_order(dora):
    checkup = Checkup.objects.create(by="operator", repairing=False, left=501)
    page = text(dora.get(_page_of(checkup)))
    assert "The first 0 of 501 findings." in page
    assert "In order" not in page


def test_a_check_up_is_stored_in_english_and_shown_in_german(shop, dora, settings):
    settings.SHOP_DOCTOR_GRACE = 0 * project.SHOP_DOCTOR_GRACE
    dora.cookies["django_language"] = "de"
    now = timezone.now()
    Circuit.objects.create(consumer="payments.charge", opened_at=now, probe_at=now, last_error="down")
    dora.post(URL, {"action": "audit"})
    checkup = Checkup.objects.get()
    assert [note for note in checkup.notes if note.startswith("payments.charge is paused since")]
    assert "Was geprüft wurde" in text(dora.get(_page_of(checkup)))


def test_each_kind_of_finding_belongs_to_one_check():
    counted = Counter(kind for _, kinds in CHECKS for kind in kinds)
    assert counted == dict.fromkeys(_kinds_in_the_sources(), 1)


def _kinds_in_the_sources() -> set[str]:
    """Return the first texts of all findings that the doctor and the audit make."""
    calls = (
        node
        for package in ("doctor", "audit")
        for path in (ROOT / "console" / package).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Finding", "report.add")
    )
    named = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    return named | set(RULES)


def _page_of(checkup: Checkup) -> str:
    return reverse("admin:console_checkup_change", args=[checkup.pk])


def _result(page: str, check: str) -> str:
    return page.partition(check)[2].partition("</tr>")[0]

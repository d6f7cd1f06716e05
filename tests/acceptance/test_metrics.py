"""Metrics of a running shop: web, relay and every worker tell what has happened, each in one place."""

from collections import Counter

from tests.support.deployment import Deployment
from tests.support.metrics import scraped

WEB, CONSUMED = "http_server_request_duration_seconds_count", "messaging_client_consumed_messages_total"


def test_the_metrics_are_those_of_inbox_log_and_web_server(shop: Deployment):
    shop.audit()  # nothing that an earlier test began is counted in between
    before, consumed_before = metrics(shop), consumed(shop)
    shop.break_gateway("outage", "authorise", calls=9)  # more than the tries in a row: an event is retried
    order_ids = [shop.place_order() for _ in range(3)]
    shop.wait_for_status(order_ids, "delivered")
    shop.audit()
    new, consumed_new = metrics(shop), consumed(shop)
    new.subtract(before)
    consumed_new.subtract(consumed_before)

    assert new[WEB, "POST", "201", "/api/v1/orders"] == 3
    assert {key[1]: n for key, n in new.items() if key[0] == CONSUMED and key[2] == "consumed" and n} == {
        consumer: number for consumer, number in consumed_new.items() if number
    }
    assert new["messaging_client_sent_messages_total",] >= 3 * len(shop.events(order_ids[0]))
    charging = "payments.when_order_created_charge_customer"
    assert new["shop_consumer_failed_tries_total", charging] >= 3
    assert new[CONSUMED, charging, "retried"] >= 1
    assert new["shop_critical_time_seconds_count", charging] == 3
    assert new["messaging_process_duration_seconds_count", charging] >= 2


def metrics(shop: Deployment) -> Counter[tuple[str, ...]]:
    return scraped(*shop.metrics.values())


def consumed(shop: Deployment) -> Counter[str]:
    return Counter(dict(shop.rows("select consumer, count(*) from messaging_inboxentry group by consumer")))

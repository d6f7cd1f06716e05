"""Logs as JSON: one object a line, with the ids of the run that writes it."""

import json
import logging
import sys

import pytest

from shop.json_logs import JsonFormatter
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published, run


@pytest.fixture
def lines():
    """Lines of the shop's loggers, parsed."""
    written: list[dict[str, object]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(self.format(record)))

    handler = Keeping()
    handler.setFormatter(JsonFormatter())
    root, task = logging.getLogger(), logging.getLogger("celery.task")
    root.addHandler(handler)
    task.addHandler(handler)
    yield written
    root.removeHandler(handler)
    task.removeHandler(handler)


@pytest.mark.django_db(transaction=True)
def test_each_line_of_a_run_has_the_ids_of_its_events(lines):
    def failing(event: ProbeSent) -> None:
        logging.getLogger("tests").warning("at work")
        raise ValueError("no")

    first, second = published(2)
    run(a_consumer(failing), [first, second])
    together = next(line for line in lines if line["message"] == "at work")
    assert together["event"] == [str(first.meta.id), str(second.meta.id)]
    alone = [line for line in lines if line["message"] == "at work"][1:]
    assert {line["event"] for line in alone} == {str(first.meta.id), str(second.meta.id)}
    retried = [line for line in lines if "attempt 1" in str(line["message"])]
    assert {line["event"] for line in retried} == {str(first.meta.id), str(second.meta.id)}
    for line, event in ((line, first) for line in retried if line["event"] == str(first.meta.id)):
        assert line["consumer"] == "tests.when_probe_sent_try"
        assert (line["order"], line["type"]) == (str(event.probe_id), event.type)
        assert line["correlation_id"] == str(event.meta.correlation_id)
        assert line["trace_id"] == (event.meta.traceparent or "--").split("-")[1]

    lines.clear()
    logging.getLogger("tests").warning("after the run")
    assert "event" not in lines[0]


def test_a_line_is_one_json_object_whatever_the_message():
    try:
        raise ValueError("with\ntwo lines")
    except ValueError:
        record = logging.LogRecord("shop", logging.ERROR, "", 0, 'a "quoted"\nmessage', None, sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("ERROR", 'a "quoted"\nmessage')
    assert "ValueError" in line["exception"]

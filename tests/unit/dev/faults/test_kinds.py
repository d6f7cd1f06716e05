"""Kinds of faults: those of an event bus come with it alone."""

from dev.faults.catalogue import all_kinds
from dev.servers.infrastructure import KAFKA, RABBITMQ


def test_the_broker_has_the_faults_of_its_kind():
    rabbitmq, kafka = ({kind.name for kind in all_kinds(bus)} for bus in (RABBITMQ, KAFKA))

    assert {"RabbitMQ killed", "queue unbound"} <= rabbitmq - kafka
    assert {"Kafka killed", "a stranger joins a group"} <= kafka - rabbitmq
    assert {"relay killed", "broker out of reach"} <= rabbitmq & kafka
    assert {kind.name for kind in all_kinds()} == rabbitmq, "its schedules stay the same"

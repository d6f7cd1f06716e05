"""Listener: reads an app's records in a thread, hands them over, and commits what is settled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from shop.messaging.bus.kafka import topics
from shop.messaging.bus.kafka.cluster import Cluster, logger, tell_once
from shop.messaging.bus.kafka.positions import Commit, Position, Positions
from shop.messaging.bus.kafka.records import Partition, Record, opened, type_of
from shop.messaging.bus.kafka.suspicion import Suspicion
from shop.messaging.bus.port import Receive
from shop.messaging.consuming import consumers
from shop.messaging.contracts import Reminder
from shop.messaging.errors import InvalidMessage

#: Records that are read at once.
READ_SIZE = 200
#: Seconds to wait for a record.
READ_TIMEOUT = 0.1
#: Seconds between two commits.
COMMIT_INTERVAL = 0.2
#: Seconds that a revoked partition's running events get to finish.
REVOKE_TIMEOUT = 2.0
#: Seconds before a listener that failed joins its group again.
REJOIN_DELAY = 2.0
#: Seconds to wait for an answer of the group's coordinator.
TIMEOUT = 10.0


class Listener:
    """Member of an app's group. The thread that polls does nothing else, so no handler makes it late."""

    def __init__(
        self, cluster: Cluster, app: str, *, limit: int, instance: str, tend: Callable[[], None]
    ) -> None:
        self.app = app
        self._cluster = cluster
        #: Largest number of records in hand.
        self._limit = limit
        self._config = cluster.consumer_config(f"shop.{app}", instance)
        #: Further work of the thread between two reads.
        self._tend = tend
        self._read_types = _types_read_by(app)
        self._all_events = topics.all_events(cluster)
        self._positions = Positions()
        self._has_checked_metadata = False
        self._stopping, self._closing = threading.Event(), threading.Event()
        #: Held while records are handed over.
        self._handing_over = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, receive: Receive) -> None:
        """Join the group, in a thread that also waits for the cluster."""
        self._receive = receive
        self._thread = threading.Thread(target=self._run, name=f"kafka-{self.app}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more. The member stays in its group, and commits what is settled."""
        with self._handing_over:
            self._stopping.set()

    def close(self) -> None:
        """Commit what is settled, and leave the group."""
        self._closing.set()
        if self._thread:
            self._thread.join(TIMEOUT)

    def settle(self, record: Record) -> None:
        """Note that a record is done with. Any thread may call it."""
        self._positions.settle(record)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with self._member() as consumer:
                    self._serve(consumer)
            except Exception as error:  # noqa: BLE001 - the listener survives every error
                logger.warning("%s pauses reading from Kafka: %s", self.app, _explain(error))
                self._closing.wait(REJOIN_DELAY)

    @contextmanager
    def _member(self) -> Iterator[Consumer]:
        """Join the group for the block."""
        consumer = Consumer({**self._config, "on_commit": self._on_commit}, logger=logger)
        try:
            topics.declare(self._cluster, consumer)
            topics.check_retention(self._cluster)
            consumer.subscribe(
                [self._all_events, topics.events_of(self._cluster, self.app)],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            yield consumer
        finally:
            self._leave(consumer)

    def _leave(self, consumer: Consumer) -> None:
        """Leave the group, which a static member keeps its place in.

        librdkafka hangs, and stays a member, if it is closed while partitions are being assigned. So the
        callbacks that are on their way are served before.
        """
        if not self._cluster.has_static_members:
            consumer.unsubscribe()
        with suppress(KafkaException):
            consumer.poll(READ_TIMEOUT)
            consumer.poll(READ_TIMEOUT)
        closing = threading.Thread(target=consumer.close, name=f"kafka-{self.app}-close", daemon=True)
        closing.start()
        closing.join(TIMEOUT)
        if closing.is_alive():
            logger.error("%s could not leave its group on Kafka: restart the worker", self.app)

    def _serve(self, consumer: Consumer) -> None:
        next_commit = 0.0
        while not self._closing.is_set():
            if self._stopping.is_set() or not self._positions.wait_for_space(self._limit, READ_TIMEOUT):
                self._poll_without_reading(consumer)
            else:
                self._read(consumer)
            self._hand_over(consumer)
            if time.monotonic() >= next_commit:
                self._commit(consumer, self._positions.moved(), wait=False)
                next_commit = time.monotonic() + COMMIT_INTERVAL
            self._tend()

    def _read(self, consumer: Consumer) -> None:
        """Read what has arrived, and wait a little for the first record."""
        if (first := consumer.poll(READ_TIMEOUT)) is not None:
            for message in (first, *consumer.consume(READ_SIZE - 1, timeout=0)):
                self._note(message)

    def _poll_without_reading(self, consumer: Consumer) -> None:
        """Take part in rebalances while there is no space for records."""
        paused = consumer.assignment()
        consumer.pause(paused)
        message = consumer.poll(READ_TIMEOUT)
        if message is not None:  # of a partition that was assigned just now
            self._note(message)
        if not self._stopping.is_set():
            consumer.resume([p for p in paused if p in consumer.assignment()])

    def _note(self, message: Message) -> None:
        if error := message.error():
            _raise_if_serious(error)
            return
        record = self._record(message)
        if record:
            vanished = self._positions.hold(record)
        else:
            vanished = self._positions.skip(_partition(message), message.offset() or 0)
        if vanished:
            logger.error(
                "%d records of %s were removed before %s has read them; the order doctor sends them again",
                vanished,
                message.topic(),
                self.app,
            )

    def _record(self, message: Message) -> Record | None:
        """Return the record as a message of the bus; None if it is an event that the app does not consume."""
        value: Any = message.value() or b""
        body: str | bytes = value
        headers: dict[str, Any] = {}
        if message.topic() != self._all_events:
            body, headers = opened(value)
        elif (kind := type_of(value)) is not None and kind not in self._read_types:
            return None
        return Record(self.app, _partition(message), message.offset() or 0, value, body, headers)

    def _hand_over(self, consumer: Consumer) -> None:
        with self._handing_over:
            if self._stopping.is_set():
                return
            records, first = self._positions.release()
            self._commit(consumer, first, wait=True)
            self._check_metadata(consumer, first)
            for record in records:
                self._receive(self.app, record, _reason_to_give_up(record))

    def _commit(self, consumer: Consumer, commits: Mapping[Partition, Commit], *, wait: bool) -> None:
        if not commits:
            return
        offsets = [TopicPartition(*key, offset, metadata) for key, (offset, metadata) in commits.items()]
        try:
            if wait:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets)
        except KafkaException as error:  # what is not committed comes again, to the inbox
            logger.info("%s could not commit its position: %s", self.app, error)
            self._positions.reopen(commits)

    def _check_metadata(self, consumer: Consumer, commits: Mapping[Partition, Commit]) -> None:
        """Log, once, if the broker does not keep the metadata of positions."""
        if commits and not self._has_checked_metadata:
            self._has_checked_metadata = True
            asked = [TopicPartition(*key) for key in commits]
            if not any(kept.metadata for kept in consumer.committed(asked, timeout=TIMEOUT)):
                tell_once(
                    "Kafka: the broker keeps no metadata of positions; what kills workers is not counted"
                )

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if failed := [p for p in partitions if error or p.error]:
            self._positions.reopen([(p.topic, p.partition) for p in failed])

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, timeout=TIMEOUT)
        self._positions.assign({(p.topic, p.partition): _position(p) for p in committed})
        begin = [(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_BEGINNING) for p in committed]
        consumer.assign([TopicPartition(*where) for where in begin])
        consumer.resume(partitions)  # librdkafka remembers that they were paused when they were here before
        if partitions:
            logger.info("%s reads %d partitions", self.app, len(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Give partitions away: wait for what runs, commit, forget."""
        keys = [(p.topic, p.partition) for p in partitions]
        if not self._stopping.is_set():
            self._positions.wait_until_settled(keys, REVOKE_TIMEOUT)
        self._commit_at_end(consumer, keys)
        self._positions.forget(keys)

    def _commit_at_end(self, consumer: Consumer, partitions: Collection[Partition]) -> None:
        self._commit(consumer, self._positions.ended(partitions), wait=True)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Forget partitions that others may already read."""
        self._positions.forget((p.topic, p.partition) for p in partitions)


def _types_read_by(app: str) -> Collection[str]:
    """Return the types that the app consumes; timers come in its own topic."""
    mine = [one for one in consumers() if one.app == app and not issubclass(one.event, Reminder)]
    return {type_ for consumer in mine for type_ in consumer.reads}


def _partition(message: Message) -> Partition:
    return message.topic() or "", message.partition() or 0


def _position(committed: TopicPartition) -> Position:
    offset = committed.offset if committed.offset >= 0 else None
    return Position(offset, Suspicion.parse(committed.metadata))


def _reason_to_give_up(record: Record) -> Exception | None:
    if record.is_given_up:
        return InvalidMessage(f"its worker was lost {record.earlier_deliveries} times over it")
    return None


def _raise_if_serious(error: KafkaError) -> None:
    """Raise an error of the member, which has to join again. librdkafka deals with all others itself."""
    if error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise KafkaException(error)


def _explain(error: Exception) -> str:
    cause = error.args[0] if isinstance(error, KafkaException) else None
    if cause and cause.code() == KafkaError.FENCED_INSTANCE_ID:
        return "another worker has the same name: give each its own by `celery worker -n`"
    return f"{type(error).__name__}: {error}"

"""Positions of a group in its partitions: what is in hand, and the offset below which all is settled."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping

from shop.messaging.bus.kafka.records import Partition, Record
from shop.messaging.bus.kafka.suspicion import Suspicion

#: Offset to commit, with its metadata.
Commit = tuple[int, str]


class Position:
    """Position in one partition. Its records may be settled in any order."""

    def __init__(self, committed: int | None, suspicion: Suspicion) -> None:
        #: Offset that the group has committed; None if it has committed none.
        self.committed = committed
        self.suspicion = suspicion
        #: Offset after the last record that was read; None before the first.
        self.next: int | None = None
        #: Records that are handed over and not settled, by offset. It finds its first key in O(1).
        self.open: OrderedDict[int, None] = OrderedDict()
        #: Records that are not handed over, in order.
        self.held: deque[Record] = deque()
        #: A record was handed over.
        self.has_begun = False

    @property
    def settled(self) -> int | None:
        """Offset below which all is settled; None if nothing was read."""
        if self.open:
            return next(iter(self.open))
        return self.held[0].offset if self.held else self.next

    def read(self, offset: int) -> int:
        """Note that a record was read; return the number of records before it that have vanished."""
        is_first = self.next is None
        self.next = offset + 1
        return max(0, offset - self.committed) if is_first and self.committed is not None else 0

    def release(self) -> tuple[list[Record], Commit | None]:
        """Return the records that may be handed over now, and what has to be committed before.

        A suspect, and the first record after a start, are alone at the position when it is committed.
        """
        released: list[Record] = []
        commit: Commit | None = None
        while self.held:
            record = self.held[0]
            is_suspect = self.suspicion.suspects(record.offset)
            if is_suspect and self.open:
                break
            if is_suspect or not self.has_begun:
                commit = self._begin(record.offset)
                record.earlier_deliveries = self.suspicion.starts - 1
                record.is_given_up = self.suspicion.gives_up()
            self.open[record.offset] = None
            released.append(self.held.popleft())
        return released, commit

    def _begin(self, offset: int) -> Commit:
        if offset != self.committed:
            self.suspicion.move(offset)
        self.suspicion.begin(offset)
        self.committed, self.has_begun = offset, True
        return offset, self.suspicion.metadata()

    def moved(self) -> Commit | None:
        """Return what to commit if the settled offset has moved, and take it for committed."""
        settled = self.settled
        if settled is None or settled == self.committed:
            return None
        self.suspicion.move(settled)
        self.committed = settled
        return settled, self.suspicion.metadata()

    def ended(self) -> Commit | None:
        """Return what to commit at an orderly end: the start at the position was none that failed."""
        if moved := self.moved():
            return moved
        if self.committed is None or not (self.has_begun and self.open):
            return None
        self.suspicion.end()
        return self.committed, self.suspicion.metadata()


class Positions:
    """Positions of one member, shared by the thread that reads and those that settle."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._of: dict[Partition, Position] = {}

    def assign(self, assigned: Mapping[Partition, Position]) -> None:
        """Begin with these partitions."""
        with self._changed:
            self._of.update(assigned)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions. What is settled late then finds nothing."""
        with self._changed:
            for partition in partitions:
                self._of.pop(partition, None)

    def skip(self, partition: Partition, offset: int) -> int:
        """Note a record that is not for the app; return the number of vanished records before it."""
        with self._changed:
            position = self._of.get(partition)
            return position.read(offset) if position else 0

    def hold(self, record: Record) -> int:
        """Keep a record for release(); return the number of vanished records before it."""
        with self._changed:
            if not (position := self._of.get(record.partition)):
                return 0
            position.held.append(record)
            return position.read(record.offset)

    def release(self) -> tuple[list[Record], dict[Partition, Commit]]:
        """Return the records that may be handed over now, and what has to be committed before."""
        released: list[Record] = []
        commits: dict[Partition, Commit] = {}
        with self._changed:
            for partition, position in self._of.items():
                records, commit = position.release()
                released += records
                if commit:
                    commits[partition] = commit
        return released, commits

    def settle(self, record: Record) -> None:
        """Note that a record is done with."""
        with self._changed:
            if position := self._of.get(record.partition):
                position.open.pop(record.offset, None)
                self._changed.notify_all()

    def moved(self) -> dict[Partition, Commit]:
        """Return what to commit, and take it for committed."""
        with self._changed:
            return {key: commit for key, position in self._of.items() if (commit := position.moved())}

    def ended(self, partitions: Iterable[Partition]) -> dict[Partition, Commit]:
        """Return what to commit at an orderly end."""
        with self._changed:
            known = {key: self._of[key] for key in partitions if key in self._of}
            return {key: commit for key, position in known.items() if (commit := position.ended())}

    def reopen(self, partitions: Iterable[Partition]) -> None:
        """Have these partitions committed again: it has failed."""
        with self._changed:
            for key in partitions:
                if position := self._of.get(key):
                    position.committed = None

    def wait_for_space(self, limit: int, timeout: float) -> bool:
        """Wait until fewer than ``limit`` records are in hand; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_hand(self._of) < limit, timeout)

    def wait_until_settled(self, partitions: Collection[Partition], timeout: float) -> bool:
        """Wait until all that was handed over of these partitions is settled; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open(partitions), timeout)

    def _in_hand(self, partitions: Iterable[Partition]) -> int:
        return sum(len(self._of[key].open) + len(self._of[key].held) for key in partitions)

    def _open(self, partitions: Iterable[Partition]) -> int:
        return sum(len(self._of[key].open) for key in partitions if key in self._of)

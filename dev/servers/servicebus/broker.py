"""AMQP 1.0 side of the stand-in: connections, links and transfers, by Qpid Proton."""

import time
import uuid
from typing import Any

from proton import Condition, Delivery, Handler, Message

from dev.processes.ports import LOOPBACK
from dev.servers.servicebus.batches import messages_in
from dev.servers.servicebus.entities import Entity, SessionMissing
from dev.servers.servicebus.management import CBS, MANAGEMENT, answer
from dev.servers.servicebus.namespace import Namespace
from dev.servers.servicebus.outlet import Outlet, accept, error, refuse

#: Largest message of the standard tier. Clients fill their batches up to it.
MAX_MESSAGE_SIZE = 256 * 1024
CREDIT = 1000
_ANY_STATE = 0
#: Seconds between looks for expired locks.
TICK = 0.1


class Broker(Handler):
    """Serves a namespace on one port."""

    def __init__(self, port: int, namespace: Namespace) -> None:
        self._port, self._namespace = port, namespace
        self._outlets = {path: Outlet(entity) for path, entity in namespace.entities.items()}
        #: Links to clients for the answers to their requests.
        self._replies: list[Any] = []

    def on_reactor_init(self, event: Any) -> None:
        event.container.listen(f"{LOOPBACK}:{self._port}")
        event.container.schedule(TICK, self)

    def on_timer_task(self, event: Any) -> None:
        now = time.time()
        for outlet in self._outlets.values():
            outlet.tick(now)
        event.container.schedule(TICK, self)

    def on_connection_remote_open(self, event: Any) -> None:
        event.connection.open()

    def on_session_remote_open(self, event: Any) -> None:
        event.session.open()

    def on_link_remote_open(self, event: Any) -> None:
        link: Any = event.link
        link.path = _path((link.remote_target if link.is_receiver else link.remote_source).address)
        if not self._knows(link.path):
            refuse(link, "amqp:not-found", f"there is no {link.path}")
        elif link.is_receiver:
            link.max_message_size = MAX_MESSAGE_SIZE
            accept(link)
            link.flow(CREDIT)
        elif _is_request(link.path):
            self._replies.append(link)
            accept(link)
        else:
            self._outlets[link.path].attach(link)

    def on_link_flow(self, event: Any) -> None:
        outlet = self._outlets.get(getattr(event.link, "path", ""))
        if event.link.is_sender and outlet:
            outlet.pump()

    def on_link_remote_close(self, event: Any) -> None:
        self._forget(event.link)
        event.link.close()

    def on_link_remote_detach(self, event: Any) -> None:
        self.on_link_remote_close(event)

    def on_session_remote_close(self, event: Any) -> None:
        event.session.close()

    def on_connection_remote_close(self, event: Any) -> None:
        self._forget_all(event.connection)
        event.connection.close()

    def on_transport_closed(self, event: Any) -> None:
        if event.connection:
            self._forget_all(event.connection)

    def on_delivery(self, event: Any) -> None:
        link: Any = event.link
        delivery = event.delivery
        if link.is_receiver:
            if delivery.readable and not delivery.partial:
                self._receive(link, delivery)
        elif delivery.updated:
            if link.path in self._outlets:
                self._outlets[link.path].settle(delivery)
            else:
                delivery.settle()

    def _receive(self, link: Any, delivery: Delivery) -> None:
        raw = link.recv(delivery.pending)
        link.advance()
        problem = self._take(link, raw)
        if problem:
            delivery.local.condition = problem
        delivery.update(Delivery.REJECTED if problem else Delivery.ACCEPTED)
        delivery.settle()
        link.flow(1)

    def _take(self, link: Any, raw: bytes) -> Condition | None:
        """Store the messages of a transfer, or answer a request; return why it is refused."""
        if len(raw) > MAX_MESSAGE_SIZE:
            return error("amqp:link:message-size-exceeded", f"{len(raw)} bytes")
        if _is_request(link.path):
            self._answer(link, _decoded(raw))
            return None
        targets = self._namespace.targets(link.path) or []
        for encoded in messages_in(raw):
            default_id = uuid.uuid4().hex
            for entity in targets:
                message = _decoded(encoded)
                message.id = message.id or default_id
                if problem := _store(entity, message, is_topic=entity.path != link.path):
                    return problem
        for entity in targets:
            self._outlets[entity.path].pump()
        return None

    def _answer(self, asked: Any, request: Message) -> None:
        entity = self._namespace.find(asked.path.removesuffix(MANAGEMENT)) if asked.path != CBS else None
        reply = answer(entity, request)
        # Two connections of one process use the same address: answer on the one that asked.
        mine = [link for link in self._replies if link.connection == asked.connection]
        mine = [link for link in mine if link.path == asked.path]
        for link in [link for link in mine if link.remote_target.address == request.reply_to] or mine[-1:]:
            link.delivery(uuid.uuid4().hex)
            link.send(reply.encode())
            link.advance()
        if entity:
            self._outlets[entity.path].pump()

    def _knows(self, path: str) -> bool:
        path = path.removesuffix(MANAGEMENT)
        return path == CBS or self._namespace.targets(path) is not None

    def _forget_all(self, connection: Any) -> None:
        link = connection.link_head(_ANY_STATE)
        while link:
            self._forget(link)
            link = link.next(_ANY_STATE)

    def _forget(self, link: Any) -> None:
        self._replies = [other for other in self._replies if other != link]
        if link.is_sender and (outlet := self._outlets.get(getattr(link, "path", ""))):
            outlet.detach(link)


def _store(entity: Entity, message: Message, *, is_topic: bool) -> Condition | None:
    try:
        if entity.accepts(message):
            entity.put(message)
    except SessionMissing:
        if not is_topic:
            return error("amqp:not-allowed", "this entity requires a session id")
        entity.move_to_dead_letters(message, "Session ID is null")
    return None


def _decoded(raw: bytes) -> Message:
    message = Message()
    message.decode(raw)
    return message


def _is_request(path: str) -> bool:
    return path == CBS or path.endswith(MANAGEMENT)


def _path(address: str | None) -> str:
    """Return the path of an address, which may be a whole URL."""
    path = (address or "").partition("://")[2].partition("/")[2] if "://" in (address or "") else address
    return (path or "").strip("/").lower()

"""Attempts of one request: who goes first, what is kept of a success, and what repeats get."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shop.rest.models import IdempotencyRecord
from shop.rest.problems import AnswerLost, IdempotencyKeyInUse, IdempotencyKeyReused

#: Response header that marks a replay.
REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True)
class Attempt:
    """A request of a user under an Idempotency-Key."""

    user_id: int
    method: str
    path: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, request: Request, key: str) -> "Attempt":
        """Return the attempt that a request is."""
        user_id: Any = request.user.pk
        return cls(user_id, request.method or "", request.path, key, _fingerprint(request.data))

    @cached_property
    def digest(self) -> str:
        """The name of the record."""
        return hashlib.sha256(self._scope.encode()).hexdigest()

    @property
    def _scope(self) -> str:
        return json.dumps([self.user_id, self.method, self.path, self.key])

    @property
    def _cipher(self) -> MultiFernet:
        """Encryption by the installation's secret and the client's key: neither alone opens an answer."""
        return MultiFernet([self._fernet(s) for s in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])

    def _fernet(self, secret: str | bytes) -> Fernet:
        mac = salted_hmac("shop.rest.idempotency", self._scope, secret, algorithm="sha256")
        return Fernet(urlsafe_b64encode(mac.digest()))

    @contextmanager
    def alone(self, *, atomic: bool) -> Iterator[None]:
        """Keep other attempts out until the block, or with ``atomic`` its transaction, has ended.

        The database ends the lock of a process that dies.

        Raises:
            IdempotencyKeyInUse: another attempt is under way.
        """
        if atomic:
            with transaction.atomic():
                self._lock("pg_try_advisory_xact_lock")
                yield
            return
        self._lock("pg_try_advisory_lock")
        try:
            yield
        finally:
            self._call("pg_advisory_unlock")

    def _lock(self, function: str) -> None:
        if not self._call(function):
            raise IdempotencyKeyInUse

    def _call(self, function: str) -> bool:
        number = int.from_bytes(bytes.fromhex(self.digest)[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s::bigint)", [number])
            (held,) = cursor.fetchone()
        return bool(held)

    def earlier_answer(self) -> Response | None:
        """Return the answer to an earlier attempt that took effect.

        Raises:
            IdempotencyKeyReused: it had another body.
            AnswerLost: its answer cannot be read any more.
        """
        record = IdempotencyRecord.objects.filter(pk=self.digest).first()
        if record is None:
            return None
        if record.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        try:
            answer: dict[str, Any] = orjson.loads(self._cipher.decrypt(bytes(record.answer)))
        except InvalidToken as error:
            raise AnswerLost from error
        return Response(**answer)

    def keep(self, response: Response) -> None:
        """Store the answer for later attempts.

        Raises:
            IdempotencyKeyInUse: another attempt has stored its answer meanwhile.
        """
        headers = {name: value for name, value in response.headers.items() if name in ("Location", "ETag")}
        answer = {"status": response.status_code, "headers": headers, "data": response.data}
        try:
            IdempotencyRecord.objects.create(
                digest=self.digest,
                user_id=self.user_id,
                method=self.method,
                path=self.path,
                fingerprint=self.fingerprint,
                answer=self._cipher.encrypt(JSONRenderer().render(answer)),
            )
        except IntegrityError as error:
            raise IdempotencyKeyInUse from error


def _fingerprint(body: Any) -> str:
    """Return a digest of a parsed body; the order of its fields does not count."""
    try:
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    except RecursionError as error:
        raise ParseError("JSON parse error - it is nested too deeply") from error

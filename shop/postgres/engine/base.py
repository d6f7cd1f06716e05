"""Database wrapper of the backend, see ``DATABASES["default"]["ENGINE"]``."""

import select
from typing import Any

from django.db.backends.postgresql import base
from django.utils.functional import cached_property

from shop.postgres.engine.hidden_values import ValueHidingWrapper
from shop.postgres.engine.uuids import register_uuids_dumper

#: Parameters that the server reports of its own accord: ``on`` in sessions that take no writes, those of a
#: standby and those with another default.
_READ_ONLY_PARAMETERS = (b"in_hot_standby", b"default_transaction_read_only")


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, without the ``SELECT 1`` by which it checks its connection before each request.

    Texts of errors contain no values of rows.
    """

    @cached_property
    def wrap_database_errors(self) -> ValueHidingWrapper:
        """Context manager that translates psycopg's errors."""
        return ValueHidingWrapper(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a session, which has refused nothing yet."""
        self.has_refused_write = False
        connection = super().get_new_connection(conn_params)
        register_uuids_dumper(connection)
        return connection

    def is_usable(self) -> bool:
        """Return whether the session is open and takes writes: no message from the server is waiting.

        The server sends one unasked only to end the session. A server that vanished silently is noticed by
        the next statement after ``tcp_user_timeout``, as it would be by ``SELECT 1``. A session that became
        read-only by a failover is replaced, in the hope of one to the new primary server.
        """
        if self.connection is None or self.connection.closed or self._is_read_only():
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)

    def _is_read_only(self) -> bool:
        """Return whether the session takes no writes, as far as it is known without asking.

        A proxy may hide the parameters. Then the first refused write says so.
        """
        status = self.connection.pgconn.parameter_status
        return self.has_refused_write or any(status(name) == b"on" for name in _READ_ONLY_PARAMETERS)

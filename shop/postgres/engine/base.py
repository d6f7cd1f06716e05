"""Database wrapper of the backend, see ``DATABASES["default"]["ENGINE"]``."""

import select

from django.db.backends.postgresql import base
from django.utils.functional import cached_property

from shop.postgres.engine.hidden_values import ValueHidingWrapper


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, without the ``SELECT 1`` by which it checks its connection before each request.

    Texts of errors contain no values of rows.
    """

    @cached_property
    def wrap_database_errors(self) -> ValueHidingWrapper:
        """Context manager that translates psycopg's errors."""
        return ValueHidingWrapper(self)

    def is_usable(self) -> bool:
        """Return whether the session is open: no message from the server is waiting.

        The server sends one unasked only to end the session. A server that vanished silently is noticed by
        the next statement after ``tcp_user_timeout``, as it would be by ``SELECT 1``.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)

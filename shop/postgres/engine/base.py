"""The backend that ``DATABASES["default"]["ENGINE"]`` names."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, which asks ``SELECT 1`` before each request whether its connection still works."""

    def is_usable(self) -> bool:
        """Whether the server has not ended the session, of which it would have told us.

        Nothing else comes unasked. A server that went without a word is noticed by the first statement, as it
        would be by Django's question: after ``tcp_user_timeout``.
        """
        if self.connection is None or self.connection.closed:
            return False
        news = select.poll()
        news.register(self.connection.fileno(), select.POLLIN)
        return not news.poll(0)

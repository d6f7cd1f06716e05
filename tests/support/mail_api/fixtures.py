"""Fixtures: a provider of e-mail, on the stand-in. A conftest imports both."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.support.mail_api.apis import API_KEY
from tests.support.mail_api.server import MailApiStandIn


@pytest.fixture(scope="session")
def mail_stand_in() -> Iterator[MailApiStandIn]:
    stand_in = MailApiStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def mail_api(mail_stand_in, settings) -> Iterator[Callable[[str], MailApiStandIn]]:
    """Return a function that makes one the provider, and returns the stand-in, which has sent nothing yet."""

    def choose(name: str) -> MailApiStandIn:
        settings.SHOP_MAIL_PROVIDER, settings.SHOP_MAIL_API_KEY = name, API_KEY
        settings.SHOP_MAIL_API_URL = f"{mail_stand_in.url}/{name}/"
        settings.SHOP_MAIL_TIMEOUT = timedelta(seconds=20)
        settings.EMAIL_BACKEND = "notifications.anymail.backend.EmailBackend"
        settings.DEFAULT_FROM_EMAIL = "The Shop <shop@example.com>"
        return mail_stand_in

    mail_stand_in.reset()
    yield choose
    mail_stand_in.released.set()

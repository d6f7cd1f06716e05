"""Mail through each provider in turn."""

import pytest

from tests.support.mail_api.apis import APIS
from tests.support.mail_api.fixtures import mail_api, mail_stand_in  # noqa: F401


@pytest.fixture(params=APIS)
def provider(request) -> str:
    return request.param


@pytest.fixture
def api(mail_api, provider):  # noqa: F811
    """Return the stand-in of the provider."""
    return mail_api(provider)


@pytest.fixture
def postmark(mail_api):  # noqa: F811
    """Return the stand-in of one provider, for what is the same with all."""
    return mail_api("postmark")

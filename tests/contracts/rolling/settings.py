"""Settings of the project with the rolling context."""

from tests.contracts.settings import *  # noqa: F403

CELERY_IMPORTS = ["tests.contracts.rolling.consumers"]

"""The project with the rolling context on board."""

from tests.contracts.settings import *  # noqa: F403

CELERY_IMPORTS = ["tests.contracts.rolling.consumers"]

"""Settings of a shop whose code has two versions of the projection."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.second_version.apps.SecondVersionConfig"]

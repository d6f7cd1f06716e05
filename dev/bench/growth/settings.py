"""Settings of the shop with the app that makes orders in bulk."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "dev.bench.growth"]

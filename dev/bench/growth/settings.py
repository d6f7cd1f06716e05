"""Settings of the shop with the growth app installed."""

from shop.settings import *  # noqa: F403
from shop.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "dev.bench.growth"]

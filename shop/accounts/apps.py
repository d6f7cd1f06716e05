"""The Django app of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """App ``accounts``: what belongs to a user account, whichever door it comes through."""

    name = "shop.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers, and refuse to start without the client that the settings call for."""
        from django.conf import settings

        from shop import journal  # noqa: F401
        from shop.accounts import counters, key_receivers, receivers, second_step  # noqa: F401

        _require_visible_names()
        counters.counters(settings.SHOP_CACHE_URL)


def _require_visible_names() -> None:
    """Refuse user names and names of groups that nobody can see: Hangul fillers are letters."""
    from django.contrib.auth.models import Group, User

    from shop.visible import check_visible

    for field in (User._meta.get_field("username"), Group._meta.get_field("name")):
        field.validators.append(check_visible)

"""Staff accounts with permissions."""

from django.contrib.auth.models import Permission, User
from django.db.models import Q


def permissions_named(*names: str) -> list[Permission]:
    """Return permissions by their names, as in ``orders.cancel_order``; AssertionError for unknown ones."""
    wanted = Q(pk__in=[])
    for app_label, codename in (name.split(".") for name in names):
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    found = list(Permission.objects.filter(wanted))
    assert len(found) == len(set(names)), f"some of {names} do not exist, or are ambiguous: {found}"
    return found


def staff_with(*permissions: str, username: str = "cleo") -> User:
    """Create a staff account with these permissions and no others."""
    user = User.objects.create_user(username, is_staff=True)
    user.user_permissions.set(permissions_named(*permissions))
    return user

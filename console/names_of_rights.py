"""Names of permissions and roles in the reader's language. The database has the English ones."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

#: Permissions that Django makes for each model, by the beginning of their code names.
_OF_EACH_MODEL = {
    "add": _("Can add: {model}"),
    "change": _("Can change: {model}"),
    "delete": _("Can delete: {model}"),
    "view": _("Can view: {model}"),
}
#: Roles that a migration makes.
ROLES = {
    "Support": _("Support"),
    "Warehouse": _("Warehouse"),
    "Finance": _("Finance"),
    "Operations": _("Operations"),
    "Integrator": _("Integrator"),
    "Auditor": _("Auditor"),
}


def permission_name(permission: Permission) -> str:
    """Return the model of a permission and its name."""
    kind = permission.content_type
    if not (model := kind.model_class()):
        return str(permission)
    action, _, rest = permission.codename.partition("_")
    if action in _OF_EACH_MODEL and rest == kind.model:
        text = str(_OF_EACH_MODEL[action]).format(model=model._meta.verbose_name)
    else:
        text = gettext(permission.name)
    return f"{capfirst(str(model._meta.verbose_name_plural))} | {text}"


def role_name(group: Group) -> str:
    """Return the name of a role; one that an installation made has its own."""
    return str(ROLES.get(group.name, group.name))


def translated(field: Any) -> Any:
    """Have a form's field of permissions or roles show translated names."""
    names = {Permission: permission_name, Group: role_name}
    if field is not None and field.queryset.model in names:
        field.label_from_instance = names[field.queryset.model]
    return field

"""OpenAPI operations that say which permission they need."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from shop.rest.permissions import Audience, Rule, rule_of

_WORDS = {
    Audience.ACCOUNTS: "For all accounts.",
    Audience.OWNERS: "For all accounts what is their own; what is not, for staff with the permission {}.",
    Audience.STAFF: "For staff with the permission {}.",
}


class PermissionSchema(AutoSchema):
    """Schema of a view with the permissions of each operation, in words and as ``x-permissions``."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation, with its permissions."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation and (rule := self._rule) and rule.audience in (Audience.OWNERS, Audience.STAFF):
            operation["x-permissions"] = list(rule.permissions)
        return operation

    def get_description(self) -> str:  # type: ignore[override]  # of drf-spectacular
        """Return the description, with the audience in words."""
        return "\n\n".join(filter(None, (super().get_description(), self._audience())))

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security schemes; none is needed where anyone may."""
        schemes: list[dict[str, Any]] = super().get_auth()
        return [*schemes, {}] if self._rule and self._rule.audience is Audience.ANYONE else schemes

    def _audience(self) -> str:
        if self._rule is None or self._rule.audience is Audience.ANYONE:
            return ""
        names = " and ".join(f"`{permission}`" for permission in self._rule.permissions)
        return _WORDS[self._rule.audience].format(names)

    @property
    def _rule(self) -> Rule | None:
        return rule_of(self.view, self.method)

"""Admin of check-ups, repairs and the journal, read-only, and of accounts and their rights."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.doctor.checked import by_urgency, checks_of
from console.erasure.action import PERMISSION, forget_customers
from console.models import Alert, Checkup, LostOrder, Repair
from console.names_of_rights import role_name, translated
from console.state_words import words
from orders import queries as orders
from shop import journal, stored_texts
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.keyset_lists import KeysetAdmin, KeysetList
from shop.adminkit.read_only import ReadOnly, ReadOnlyAdmin
from shop.visible import check_visible

#: Fields that decide what an account may do.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

#: Refusal to delete an account.
HAS_ORDERS = _("Its orders are kept: close the account instead, by taking back “Active”.")

admin.site.unregister([User, Group])


@admin.register(Checkup)
class CheckupAdmin(ReadOnlyAdmin):
    """Check-ups of the order doctor, newest first."""

    list_display = ("began_at", "by", "repairing", "orders", "repaired", "under_way", "left")
    list_filter = ("repairing", "began_at")
    ordering = ("-pk",)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the findings, those that need a person first, and what was checked."""
        checkup: Any = self.get_object(request, object_id)
        if checkup is None:
            return super().change_view(request, object_id, form_url, extra_context)
        context = {
            **(extra_context or {}),
            "checks": checks_of(checkup),
            "findings": by_urgency(checkup),
            "is_cut": checkup.found > len(checkup.findings),
        }
        return super().change_view(request, object_id, form_url, context)


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    """Repairs made by the order doctor, newest first."""

    list_display = ("at", "what", "problem", "action_taken", "by")
    list_filter = ("kind", "at")
    search_fields = ("order_id__exact",)
    ordering = ("-pk",)

    @admin.display(description=_("kind"), ordering="kind")
    def what(self, repair: Repair) -> str:
        """Return the kind in the reader's language."""
        return words(repair.kind)

    @admin.display(description=_("what was wrong"))
    def problem(self, repair: Repair) -> str:
        """Return the finding in the reader's language."""
        return stored_texts.translated(repair.wrong)

    @admin.display(description=_("what was done"))
    def action_taken(self, repair: Repair) -> str:
        """Return the repair in the reader's language."""
        return stored_texts.translated(repair.done)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts to operators, newest first."""

    list_display = ("text", "is_open", "alerted_at")
    list_filter = ("is_open",)
    ordering = ("-alerted_at", "key")


@admin.register(LostOrder)
class LostOrderAdmin(ReadOnlyAdmin):
    """Decisions on orders that a restore has lost, newest first."""

    list_display = ("order_id", "number", "decision", "by", "at")
    list_filter = ("decision", "at")
    search_fields = ("order_id__exact", "number")
    ordering = ("-at",)


@admin.register(User)
class AccountAdmin(ConflictAware, KeysetList, UserAdmin[User]):
    """Customers and operators as a keyset list: Django's own counts all rows and scans them in a search.

    Rights, and accounts that have some, are for superusers alone: else whoever may change accounts could take
    every right, or the account of someone who has it.
    """

    add_fieldsets = UserAdmin.add_fieldsets  # the theme's admin has an empty one
    ordering = ("-pk",)
    list_filter = ("is_staff",)
    search_fields = ("username", "email__iexact")
    search_help_text = _("A user name or an e-mail address")
    actions = ("forget_customers",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Lead to the orders of each account, for those who may see them."""
        shown = super().get_list_display(request)
        return (*shown, "orders_link") if request.user.has_perm("orders.view_order") else shown

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Lead to the orders of the account, for those who may see them."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or not request.user.has_perm("orders.view_order"):
            return shown
        return (*shown, (_("Orders"), {"fields": ("orders_link",)}))

    @admin.display(description=_("Orders"))
    def orders_link(self, user: User) -> str:
        """Return a link to the orders of an account."""
        url = f"{reverse('admin:orders_order_changelist')}?customer__exact={user.pk}"
        label = gettext("Orders of {customer}").format(customer=user)
        return format_html('<a href="{}" aria-label="{}">{}</a>', url, label, gettext("Orders"))

    @admin.action(description=_("Forget customers…"), permissions=["forget"])
    def forget_customers(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Show what would be erased, and forget the customers once that is confirmed."""
        return forget_customers(request, queryset)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Allow with the permission of privacy."""
        return request.user.has_perm(PERMISSION)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Refuse names that nobody can see; an account may be without one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("first_name", "last_name") and field:
            field.validators.append(check_visible)
        return field

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Name roles and permissions in the reader's language."""
        return translated(super().formfield_for_manytomany(db_field, request, **kwargs))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Make the rights read-only for all but superusers."""
        readonly = super().get_readonly_fields(request, obj)
        readonly = (*readonly, "orders_link")
        return readonly if request.user.is_superuser else (*readonly, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave the accounts of staff, with their passwords, to superusers."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave the accounts of staff to superusers."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say of accounts with orders, or with entries in the journal, that they are closed instead.

        What else would go is not collected for them: there may be tens of thousands of orders.
        """
        kept = {user: reason for user in objs if (reason := _reason_to_keep(user))}
        others = [user for user in objs if user not in kept]
        to_delete, counts, lacking, protected = super().get_deleted_objects(others, request)
        needed = {name for name in lacking if name not in _names_of_what_goes_along()}
        return to_delete, counts, needed, [*protected, *(f"{user}: {kept[user]}" for user in kept)]


def _names_of_what_goes_along() -> set[str]:
    """Return the names of rows that nobody deletes one by one, as addresses: they go with their account."""
    return {
        str(model._meta.verbose_name)
        for model, page in admin.site._registry.items()
        if type(page).has_delete_permission is ReadOnly.has_delete_permission
    }


@admin.register(Group)
class RoleAdmin(ConflictAware, GroupAdmin):
    """Groups of staff. Superusers alone change them: they are rights."""

    list_display = ("role",)

    @admin.display(description=_("role"), ordering="name")
    def role(self, group: Group) -> str:
        """Return the name of a role."""
        return role_name(group)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Name permissions in the reader's language."""
        return translated(super().formfield_for_manytomany(db_field, request, **kwargs))

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Ask for the permission to view, not for that to change, which allows nothing."""
        return request.user.has_perm("auth.view_group")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to superusers."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Leave it to superusers."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Leave it to superusers."""
        return bool(request.user.is_superuser)


@admin.register(LogEntry)
class JournalAdmin(KeysetAdmin):
    """Journal of what staff did, by whichever door."""

    list_display = ("action_time", "user", "content_type", "object_repr", "what_was_done")
    list_filter = ("action_time",)
    list_select_related = ("user", "content_type")
    search_fields = ("user__username", "object_id")
    search_help_text = _("A user name, or the id of an object")
    ordering = ("-pk",)

    @admin.display(description=_("What was done"))
    def what_was_done(self, entry: LogEntry) -> str:
        """Return the message of an entry."""
        return stored_texts.translated(entry.get_change_message())


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    return bool(
        account is None or request.user.is_superuser or not (account.is_staff or account.is_superuser)
    )


def _reason_to_keep(account: User) -> str:
    if orders.has_orders(account.pk):
        return str(HAS_ORDERS)
    return str(journal.KEPT) if journal.has_entries(account) else ""

"""Admin lists over tables of any size, paged by key."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect

from shop.adminkit import csv_export
from shop.adminkit.bounded_actions import BoundedActions
from shop.adminkit.read_only import ReadOnlyAdmin
from shop.postgres.planning import custom_plans

#: URL parameters: the key that all rows of a page come before, or after.
BEFORE, AFTER = "before", "after"


class Tab(NamedTuple):
    """A filter of a list that is a click away."""

    title: str
    #: Query of the URL, its parameters sorted.
    query: str
    #: Number of rows as people read it; empty if it is not counted.
    number: str = ""
    #: Another page instead of this list.
    url: str = ""


class KeysetChangeList(ChangeList):
    """List sorted by one unique column, newest first, with links to the next older and newer page."""

    #: Keys from which the older and the newer page start; None if there is no such page.
    older: Any = None
    newer: Any = None
    model_admin: Any

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._request, self._query = request, urlencode(sorted(request.GET.items()))
        super().__init__(request, *args)
        for cursor in (BEFORE, AFTER):
            self.params.pop(cursor, None)

    @property
    def tabs(self) -> list[tuple[Tab, bool]]:
        """Tabs, and whether each is the present one."""
        return [
            (tab, not tab.url and tab.query == self._query) for tab in self.model_admin.tabs(self._request)
        ]

    @property
    def export_url(self) -> str:
        """Link to all its rows as CSV."""
        return self.get_query_string({csv_export.PARAMETER: "csv"})

    @property
    def older_url(self) -> str:
        """Link to the next older page."""
        return self.get_query_string({BEFORE: self.older})

    @property
    def newer_url(self) -> str:
        """Link to the next newer page."""
        return self.get_query_string({AFTER: self.newer})

    @property
    def newest_url(self) -> str:
        """Link to the newest page."""
        return self.get_query_string()

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the filters among the URL parameters, without the page."""
        filters = super().get_filters_params(params)
        return {name: value for name, value in filters.items() if name not in {BEFORE, AFTER}}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Build a query string without the page: a filter or search starts at the newest row."""
        return super().get_query_string(new_params, [*(remove or ()), BEFORE, AFTER])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the ordering of the model admin; columns cannot be sorted by the user."""
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        """Load a page and one more row, which shows that there is another page."""
        try:
            with custom_plans():
                rows = self._page(request.GET.get(BEFORE), request.GET.get(AFTER))
        except (ValidationError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error
        self.model_admin.complete(request, rows)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = self.show_all = False
        self.show_admin_actions = True
        self.paginator = Paginator(rows, self.list_per_page)

    def _page(self, before: str | None, after: str | None) -> list[Model]:
        key = str((self.model_admin.ordering or ["pk"])[0]).removeprefix("-")
        size = self.list_per_page
        if after and not before:
            newer = list(self.queryset.filter(**{f"{key}__gt": after}).order_by(key)[: size + 1])
            rows, has_newer, has_older = newer[:size][::-1], len(newer) > size, True
        else:
            matching = self.queryset.filter(**{f"{key}__lt": before}) if before else self.queryset
            older = list(matching[: size + 1])
            rows, has_newer, has_older = older[:size], bool(before), len(older) > size
        self.newer = getattr(rows[0], key) if rows and has_newer else None
        self.older = getattr(rows[-1], key) if rows and has_older else None
        return rows


class KeysetList(BoundedActions):
    """Keyset list of a table of any size; ``ordering`` is one unique column, descending.

    A search looks for exact matches of the ``search_fields``, each by its own index; a field with
    ``__iexact`` needs an index on the upper-case value.
    """

    change_list_template = "admin/keyset_change_list.html"
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()

    def complete(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Add to the rows of a page what their columns show and one query fetches for all."""

    def tabs(self, request: HttpRequest) -> Sequence[Tab]:
        """Return the filters that are a click away, above the list."""
        return ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the keyset change list."""
        return KeysetChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, or send it as CSV."""
        wanted = request.GET.copy()
        if not wanted.pop(csv_export.PARAMETER, None):
            return super().changelist_view(request, extra_context)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        request.GET = wanted  # type: ignore[assignment]  # the list would take it for a filter
        try:
            return csv_export.export(request, self.get_changelist_instance(request))
        except IncorrectLookupParameters:
            return HttpResponseRedirect(request.path)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search each field in a query of its own: an OR over the fields would scan the whole table."""
        if not (term := search_term.strip()):
            return queryset, False
        lookups = [lookup for path in self.search_fields if (lookup := self._lookup(path, term))]
        matches = [self.model._base_manager.filter(**lookup).order_by().values("pk") for lookup in lookups]
        if not matches:
            return queryset.none(), False
        return queryset.filter(pk__in=matches[0].union(*matches[1:]) if matches[1:] else matches[0]), False

    def _lookup(self, path: str, term: str) -> dict[str, Any]:
        """Return the lookup for a term; empty if the field cannot have such a value."""
        field: Any = get_fields_from_path(self.model, path.removesuffix("__iexact"))[-1]
        try:
            value = field.to_python(term)
        except ValidationError:
            return {}
        if isinstance(value, str) and not path.endswith("__iexact"):
            return {f"{path}__in": sorted({value, value.upper(), value.lower()})}
        return {path: value}


class KeysetAdmin(KeysetList, ReadOnlyAdmin):
    """Keyset list of rows that are read-only in the admin."""

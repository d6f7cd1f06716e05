"""Admin lists over tables that grow without end, paged by key."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from shop.adminkit.read_only import ReadOnlyAdmin
from shop.postgres.planning import custom_plans

#: Parameters of the URL: the key of the row that a page ends before, or begins after.
BEFORE, AFTER = "before", "after"


class KeysetChangeList(ChangeList):
    """A list in the order of one unique column, newest first, a page at a time from either side."""

    #: The keys that the neighbouring pages start from; None where there is no such page.
    older: Any = None
    newer: Any = None

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        for cursor in (BEFORE, AFTER):
            self.params.pop(cursor, None)

    @property
    def older_url(self) -> str:
        return self.get_query_string({BEFORE: self.older})

    @property
    def newer_url(self) -> str:
        return self.get_query_string({AFTER: self.newer})

    @property
    def newest_url(self) -> str:
        return self.get_query_string()

    def get_filters_params(self, params: Any = None) -> Any:
        wanted = super().get_filters_params(params)
        return {name: value for name, value in wanted.items() if name not in {BEFORE, AFTER}}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """A filter or a search begins at the newest again."""
        return super().get_query_string(new_params, [*(remove or ()), BEFORE, AFTER])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        """Read one row more than is shown, to know whether there is another page."""
        try:
            with custom_plans():
                rows = self._page(request.GET.get(BEFORE), request.GET.get(AFTER))
        except (ValidationError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error
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
            rows, more_newer, more_older = newer[:size][::-1], len(newer) > size, True
        else:
            found = self.queryset.filter(**{f"{key}__lt": before}) if before else self.queryset
            older = list(found[: size + 1])
            rows, more_newer, more_older = older[:size], bool(before), len(older) > size
        self.newer = getattr(rows[0], key) if rows and more_newer else None
        self.older = getattr(rows[-1], key) if rows and more_older else None
        return rows


class KeysetList(admin.ModelAdmin[Any]):
    """A list over a table that grows for ever; ``ordering`` is one unique column, descending.

    ``search_fields`` are looked up exactly, each by its own index; ``__iexact`` where the index is on
    the capital letters.
    """

    change_list_template = "admin/growing_change_list.html"
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look for the term in each of the fields by itself: an OR of them would read the whole table."""
        if not (term := search_term.strip()):
            return queryset, False
        lookups = [lookup for path in self.search_fields if (lookup := self._lookup(path, term))]
        found = [self.model._base_manager.filter(**lookup).order_by().values("pk") for lookup in lookups]
        if not found:
            return queryset.none(), False
        return queryset.filter(pk__in=found[0].union(*found[1:]) if found[1:] else found[0]), False

    def _lookup(self, path: str, term: str) -> dict[str, Any]:
        """What the field has to be; empty if it can never be that."""
        field: Any = get_fields_from_path(self.model, path.removesuffix("__iexact"))[-1]
        try:
            value = field.to_python(term)
        except ValidationError:
            return {}
        if isinstance(value, str) and not path.endswith("__iexact"):
            return {f"{path}__in": sorted({value, value.upper(), value.lower()})}
        return {path: value}


class KeysetAdmin(KeysetList, ReadOnlyAdmin):
    """Such a list of rows that the system alone writes."""

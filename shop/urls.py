"""Root URLs: storefront, admin, REST API, health check."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from shop.accounts.passwords import change_password_in_admin
from shop.rest import event_pages, problem_pages
from shop.rest.key_login import key_login
from shop.rest.keys import Key, Keys, Token
from shop.rest.views import ApiRoot, AsyncApi
from shop.security import health
from shop.web import media
from shop.web.refusals import no_page
from shop.webhooks.views import webhook

admin.autodiscover()
admin.site.site_header = "shop operations"
admin.site.site_title = "shop"
admin.site.index_title = "Contexts"
handler400 = "shop.web.refusals.bad_request"
handler500 = "shop.web.refusals.server_error"

#: Documents and pages for developers, which SHOP_API_DOCS=0 closes.
_DOCS = [
    path("api/auth/key/", key_login, name="key-login"),
    path("api/auth/", include("rest_framework.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/asyncapi", AsyncApi.as_view(), name="asyncapi"),
    path("api/v1/asyncapi/docs", event_pages.events, name="asyncapi-docs"),
]

urlpatterns = [
    # First, because Django tries URLs in this order and these are requested most.
    *(path("api/v1/", include(f"{context}.urls")) for context in settings.CONTEXTS),
    path("", include("storefront.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", include("console.urls")),
    path("admin/password_change/", admin.site.admin_view(change_password_in_admin, cacheable=True)),
    # Django's way from a row to its page on the site fails for ids that are none, and no row has such a page.
    path("admin/r/<path:row>", admin.site.admin_view(no_page)),
    path("admin/", admin.site.urls),
    path("api/v1/", ApiRoot.as_view(), name="api"),
    path("api/v1/token", Token.as_view(), name="token"),
    path("api/v1/problems", problem_pages.problems, name="problems"),
    path("api/v1/problems/<slug:code>", problem_pages.problem, name="problem"),
    path("api/v1/keys", Keys.as_view(), name="key-list"),
    path("api/v1/keys/<int:pk>", Key.as_view(), name="key-detail"),
    *(_DOCS if settings.SHOP_API_DOCS else ()),
    re_path(r"^media/(?P<folder>products)/(?P<name>[0-9a-f]{32})\.(?P<suffix>png|jpg|webp)\Z", media.picture),
    path("simulator/", include("payments.simulator.urls")),
    path("providers/<slug:provider>/webhook", webhook, name="webhook"),
    *(path(path_.lstrip("/"), check, name=path_.lstrip("/")) for path_, check in health.CHECKS.items()),
]

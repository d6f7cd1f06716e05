"""Views for login, logout and registration."""

from django.contrib import messages
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from shop.accounts.registration import register as register_account
from storefront.account_forms import RegistrationForm
from storefront.forms import LogInForm
from storefront.pages.visitor import limit_mails, next_page, site_of

#: Answer to every registration: whether there was an account, its owner is told by e-mail.
REGISTERED = _(
    "We have sent you an e-mail: please confirm your address by the link in it. You can log in and order now."
)


class LogIn(LoginView):
    """Log in; the basket is kept."""

    template_name = "storefront/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True


class LogOut(LogoutView):
    """Log out, by POST only."""

    next_page = "storefront:catalogue"


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Create an account, and lead to the login. The answer does not tell whether there was one."""
    to = next_page(request, "storefront:catalogue")
    if request.user.is_authenticated:
        return redirect(to)
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        limit_mails(request, "registrations")
        register_account(form.save(commit=False), site=site_of(request))
        messages.success(request, REGISTERED)
        return redirect(f"{reverse('storefront:login')}?{urlencode({'next': to})}")
    context = {"form": form, "next": to}
    return render(request, "storefront/register.html", context, status=422 if form.errors else 200)

"""Views for login, logout and registration."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from shop.accounts import limits
from shop.accounts.addresses import client_address
from storefront.forms import LogInForm, RegistrationForm
from storefront.pages.visitor import next_page


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
    """Create an account and log in."""
    if request.user.is_authenticated:
        return redirect(next_page(request, "storefront:catalogue"))
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (customer := _create_account(request, form)):
        login(request, customer, backend=settings.AUTHENTICATION_BACKENDS[0])
        messages.success(request, "Welcome! Your account is ready.")
        return redirect(next_page(request, "storefront:catalogue"))
    context = {"form": form, "next": next_page(request, "storefront:catalogue")}
    return render(request, "storefront/register.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show what customers can do with their account."""
    return render(request, "storefront/account/account.html")


def _create_account(request: HttpRequest, form: RegistrationForm) -> User | None:
    limits.enforce(
        request,
        "registrations",
        client_address(request),
        quota=settings.SHOP_REGISTRATIONS_AN_ADDRESS,
        window=60 * 60,
    )
    return form.create_account()

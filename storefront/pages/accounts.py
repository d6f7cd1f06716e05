"""Views for login, logout and registration."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

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
    if request.method == "POST" and form.is_valid() and (customer := form.create_account()):
        login(request, customer, backend="django.contrib.auth.backends.ModelBackend")
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

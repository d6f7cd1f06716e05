"""Views for changing and forgetting a password: Django's own, in the storefront's look."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView, PasswordResetView
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shop.accounts import confirmation, mails
from shop.accounts.models import AccountMail
from shop.accounts.passwords import PasswordChangeForm
from shop.accounts.security_log import record
from storefront.pages.visitor import limit_mails, site_of

#: Answer to every request of a new password: whether there is an account, its owner is told by e-mail.
LINK_SENT = _("If there is an account with this address, we have sent a link to it.")


class _Status422:
    """Answer a form with errors by 422, as the other pages do."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the errors."""
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 422
        return response


class ChangePassword(_Status422, PasswordChangeView):
    """Change the password. All other sessions and all API keys end."""

    form_class = PasswordChangeForm
    template_name = "storefront/account/password.html"
    success_url = reverse_lazy("storefront:account")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the new password, and tell the owner of the address."""
        response = super().form_valid(form)
        record("password_changed", user=form.user, request=self.request)
        mails.enqueue(AccountMail.Kind.PASSWORD_CHANGED, form.user.email, site_of(self.request))
        messages.success(
            self.request,
            gettext("Your new password is stored. All other devices are logged out, all API keys ended."),
        )
        return response


class ForgotPassword(_Status422, PasswordResetView):
    """Mail a link to a new password. The answer does not tell whether there is an account."""

    template_name = "storefront/account/forgotten.html"
    success_url = reverse_lazy("storefront:login")

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        """Queue the e-mail; the account is looked up when it is sent."""
        limit_mails(self.request, "password-resets")
        mails.enqueue(AccountMail.Kind.RESET, form.cleaned_data["email"], site_of(self.request))
        messages.success(self.request, LINK_SENT)
        return redirect(str(self.success_url))


class NewPassword(_Status422, PasswordResetConfirmView):
    """Choose a new password by a link, which confirms the address as well."""

    template_name = "storefront/account/new_password.html"
    success_url = reverse_lazy("storefront:login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password."""
        response = super().form_valid(form)
        user: User = form.user
        record("password_reset", user=user, request=self.request)
        confirmation.confirm_by_reset(user, site=site_of(self.request))
        mails.enqueue(AccountMail.Kind.PASSWORD_CHANGED, user.email, site_of(self.request))
        messages.success(self.request, gettext("Your new password is stored: log in with it."))
        return response

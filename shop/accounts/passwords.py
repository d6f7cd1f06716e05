"""Own passwords, asked for once more in an open session: behind the guard of the logins."""

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import authenticate
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables

from shop.accounts.current_request import current_request


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Ask the guard of the logins: whoever sits before an open session must not guess either."""
    return authenticate(request, username=request.user.get_username(), password=password) == request.user


class PasswordChangeForm(AdminPasswordChangeForm):
    """Django's form, which would let its visitor guess the present password as often as they like."""

    @method_decorator(sensitive_variables("old_password"))
    def clean_old_password(self) -> str:
        """Refuse another password than the present one."""
        old_password: str = self.cleaned_data["old_password"]
        request = current_request()
        if request is None or not is_own_password(request, old_password):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old_password


def change_password_in_admin(request: HttpRequest) -> HttpResponseBase:
    """Show the admin's page for one's own password, with this form."""
    view = PasswordChangeView.as_view(
        form_class=PasswordChangeForm,
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)

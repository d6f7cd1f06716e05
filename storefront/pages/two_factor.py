"""Second step of a login, and the second factor of a customer's own account."""

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from shop.accounts import second_step, two_factor
from storefront.account_forms import CodeForm, EnrolmentForm
from storefront.pages.visitor import customer_of, next_page


@sensitive_post_parameters("code")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest) -> HttpResponse:
    """Ask for the code that the login still owes."""
    to = next_page(request, "storefront:catalogue")
    if second_step.owed_by(request) is not second_step.Step.CODE:
        return redirect(to)
    form = CodeForm(customer_of(request), request.POST if request.method == "POST" else None)
    if form.is_valid():
        second_step.finish(request)
        return redirect(to)
    context = {"form": form, "next": to}
    return render(request, "storefront/account/second_step.html", context, status=_status(form))


@sensitive_post_parameters("password", "code")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: HttpRequest) -> HttpResponse:
    """Enrol a device, or make new recovery codes, or remove it."""
    if second_step.owed_by(request) is second_step.Step.CODE:
        return redirect("storefront:second-step")
    if two_factor.has_device(customer_of(request)):
        return _change(request)
    return _enrol(request)


def _enrol(request: HttpRequest) -> HttpResponse:
    customer, to = customer_of(request), next_page(request, "storefront:account")
    form = EnrolmentForm(request, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if codes := two_factor.enrol(customer, form.cleaned_data["code"]):
            second_step.finish(request)
            return _show_codes(request, codes, to)
        form.add_error("code", gettext("This code is not right: enter the one that the app shows now."))
    device = two_factor.begin_enrolment(customer)
    context = {
        "form": form,
        "next": to,
        "required": second_step.needs_device(customer),
        "picture": _qr_code(device.config_url),
        "secret": _in_groups(device.config_url),
    }
    return render(request, "storefront/account/enrolment.html", context, status=_status(form))


def _change(request: HttpRequest) -> HttpResponse:
    customer = customer_of(request)
    form = CodeForm(customer, request.POST if request.method == "POST" else None)
    is_required = second_step.needs_device(customer)
    if form.is_valid() and "remove" not in request.POST:
        return _show_codes(request, two_factor.new_recovery_codes(customer), "")
    if form.is_valid() and not is_required:
        two_factor.remove_device(customer)
        messages.success(request, gettext("Your logins ask for no code any more."))
        return redirect("storefront:account")
    context = {"form": form, "required": is_required, "left": _codes_left(customer)}
    return render(request, "storefront/account/two_factor.html", context, status=_status(form))


def _show_codes(request: HttpRequest, codes: list[str], to: str) -> HttpResponse:
    return render(request, "storefront/account/recovery_codes.html", {"codes": codes, "next": to})


def _qr_code(text: str) -> SafeString:
    """Return a QR code as SVG, without styles and scripts."""
    picture = segno.make(text, error="m").svg_inline(scale=4, light="#fff", svgclass=None, lineclass=None)
    return mark_safe(picture)  # noqa: S308 - drawn by segno, of our own URL


def _in_groups(url: str) -> str:
    secret = url.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def _codes_left(customer: User) -> int:
    return customer.recovery_codes.count()


def _status(form: CodeForm | EnrolmentForm) -> int:
    return 422 if form.errors else 200

"""Second factor of an account: codes of an authenticator app (TOTP, RFC 6238), and recovery codes."""

import logging
import secrets
from base64 import b32encode

from django.contrib.auth.models import User
from django.db import transaction
from django_otp import verify_token
from django_otp.plugins.otp_totp.models import TOTPDevice

from shop.accounts.api_keys import digest_of
from shop.accounts.login_guard import guarded
from shop.accounts.models import RecoveryCode
from shop.accounts.security_log import record

#: Number of recovery codes, of 80 bits each.
RECOVERY_CODES = 10


def has_device(user: User) -> bool:
    """Tell whether an account asks for a second factor."""
    return bool(TOTPDevice.objects.devices_for_user(user, confirmed=True).exists())


def check_code(user: User, code: str) -> bool:
    """Tell whether a code of the app, or a recovery code, is right, and use it up: neither opens twice.

    Raises:
        Refusal: too many wrong ones came before.
    """
    code = code.replace(" ", "").replace("-", "").upper()
    check = _check_totp if len(code) == 6 else _use_recovery_code
    if guarded(None, f"second step of {user.pk}", lambda: check(user, code)):
        return True
    record("second_factor_failed", user=user, level=logging.WARNING)
    return False


def begin_enrolment(user: User) -> TOTPDevice:
    """Return the device that a user is about to confirm; its secret stays the same until then."""
    device, _ = TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "Authenticator app"}
    )
    return device


@transaction.atomic
def enrol(user: User, code: str) -> list[str] | None:
    """Confirm the device by its first code; return new recovery codes, or None if the code is wrong."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or has_device(user) or not device.verify_token(code.replace(" ", "")):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    record("second_factor_enrolled", user=user)
    return new_recovery_codes(user)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes of a user; return them, as they are not kept."""
    codes = [b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=digest_of(code)) for code in codes)
    record("recovery_codes_made", user=user)
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in codes]


@transaction.atomic
def remove_device(user: User) -> None:
    """Ask an account for no second factor any more."""
    TOTPDevice.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    record("second_factor_removed", user=user, level=logging.WARNING)


def _check_totp(user: User, code: str) -> bool:
    device = TOTPDevice.objects.devices_for_user(user, confirmed=True).first()
    return device is not None and verify_token(user, device.persistent_id, code) is not None


def _use_recovery_code(user: User, code: str) -> bool:
    used, _ = RecoveryCode.objects.filter(user=user, digest=digest_of(code)).delete()
    if used:
        record("recovery_code_used", user=user, level=logging.WARNING)
    return bool(used)

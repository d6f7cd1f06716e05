"""Texts of the e-mails about accounts. None has a name in it, or anything else that a stranger can write."""

from typing import NamedTuple

from django.utils.translation import gettext_noop

from shop.accounts.models import AccountMail

Kind = AccountMail.Kind


class Text(NamedTuple):
    """Subject and body of an e-mail, with ``{link}`` for the link."""

    subject: str
    body: str


TEXTS: dict[str, Text] = {
    Kind.CONFIRM: Text(
        gettext_noop("Please confirm your e-mail address"),
        gettext_noop(
            "Somebody, probably you, has given us this e-mail address.\n\nIf it was you, confirm it "
            "here within three days:\n\n{link}\n\nIf it was not you, do nothing: we do not write "
            "again.\n"
        ),
    ),
    Kind.REGISTERED_ALREADY: Text(
        gettext_noop("You have an account already"),
        gettext_noop(
            "Somebody, probably you, wanted to create an account with this e-mail address. It has "
            "one already:\n\n{link}\n\nThere you can log in, and choose a new password if you have "
            "forgotten yours. If it was not you, do nothing: your account is as it was.\n"
        ),
    ),
    Kind.RESET: Text(
        gettext_noop("A new password for your account"),
        gettext_noop(
            "Somebody, probably you, wants a new password for the account with this e-mail "
            "address.\n\nIf it was you, choose one here within three days:\n\n{link}\n\nIf it was "
            "not you, do nothing: your account is as it was.\n"
        ),
    ),
    Kind.PASSWORD_CHANGED: Text(
        gettext_noop("Your password was changed"),
        gettext_noop(
            "The password of your account was changed just now. All other devices were logged out, "
            "and all API keys have ended.\n\nIf it was not you, choose a new one now:\n\n{link}\n"
        ),
    ),
    Kind.ADDRESS_CHANGED: Text(
        gettext_noop("Your e-mail address was changed"),
        gettext_noop(
            "Your account has a new e-mail address. We write to that one from now on.\n\nIf it was "
            "not you, write to us at once.\n"
        ),
    ),
    Kind.ORDER_LINK: Text(
        gettext_noop("A fresh link to your order"),
        gettext_noop(
            "Somebody, probably you, wants a fresh link to an order that was placed with this e-mail "
            "address:\n\n{link}\n\nWhoever has it sees the order, so do not pass this e-mail on. If "
            "it was not you, do nothing.\n"
        ),
    ),
}

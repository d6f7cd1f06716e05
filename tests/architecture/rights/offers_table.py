"""The rights of the storefront, and what pages of the admin offer to whom."""

from tests.architecture.rights.needs import (
    ANNOTATE,
    CANCEL,
    DECIDE_RETURN,
    GIVE_BACK,
    RECEIVE_RETURN,
    REFUND,
    RESEND,
    RESUME,
    RETRY,
    RETURN,
    SETTLE,
    STOCK,
    Need,
    all_of,
)

#: Pages of the storefront: status for visitors without an account, others than the owner, and the owner.
STOREFRONT: dict[str, tuple[int, int, int]] = {
    "catalogue": (200, 200, 200),
    "product": (200, 200, 200),
    "basket": (200, 200, 200),
    "orders": (302, 200, 200),
    "order": (302, 404, 200),
    "live": (302, 404, 200),
    "receipt": (302, 404, 200),
    "cancel": (302, 404, 200),
    "send-back": (302, 404, 200),
    "pay": (302, 404, 200),
    "payment": (302, 404, 302),
    "keep": (302, 404, 200),
    "order-by-id": (302, 404, 302),
    "link": (302, 302, 302),
    "fresh-link": (200, 200, 200),
    "checkout": (302, 302, 302),
    "account": (302, 200, 200),
    "profile": (302, 200, 200),
    "close": (302, 200, 200),
    "password": (302, 200, 200),
    "two-factor": (302, 200, 200),
    "second-step": (302, 302, 302),
    "reset": (200, 200, 200),
    "reset-confirm": (200, 200, 200),
    "confirm": (410, 410, 410),
    "keys": (302, 200, 200),
    "addresses": (302, 200, 200),
    "new-address": (302, 200, 200),
    "address": (302, 404, 200),
    "login": (200, 302, 302),
    "register": (200, 302, 302),
    # By POST only:
    "add": (405, 405, 405),
    "change": (405, 405, 405),
    "again": (405, 405, 405),
    "confirm-again": (302, 405, 405),
    "logout": (405, 405, 405),
    "revoke-key": (302, 405, 405),
    "change-address": (302, 405, 405),
}


def _of_product(*permissions: str) -> Need:
    """Let the page of a product be open to who may change it, as everywhere in Django."""
    return tuple((f"inventory.{act}_product", *permissions) for act in ("view", "change"))


#: Links, buttons and panels: where they are shown, a text of theirs, and what their act or reading needs.
OFFERS: list[tuple[str, str, Need]] = [
    ("order", "/cancel/", all_of(*CANCEL)),
    ("order", "/untag/", all_of(*ANNOTATE)),
    ("order", "/note/", all_of(*ANNOTATE)),
    ("waiting", "/resume/", all_of(*RESUME)),
    ("held_up", "/settle/", all_of(*SETTLE)),
    ("delivered", "Send goods back", all_of(*RETURN)),
    ("returned", "/approve/", all_of(*DECIDE_RETURN)),
    ("returned", "/refuse/", all_of(*DECIDE_RETURN)),
    ("returned", "/withdraw/", all_of(*DECIDE_RETURN)),
    ("awaited", "/receive/", all_of(*RECEIVE_RETURN)),
    ("waiting", "Give money back", all_of(*REFUND)),
    ("lost", "Refund and settle", all_of(*REFUND)),
    ("held_up", 'id="payments"', all_of("orders.view_order", "payments.view_payment")),
    ("held_up", "Retry it in the list", all_of("orders.view_order", "payments.view_payment", *RETRY)),
    ("held_up", "Given back otherwise", all_of("orders.view_order", "payments.view_payment", *GIVE_BACK)),
    ("held_up", 'id="shipment"', all_of("orders.view_order", "shipping.view_shipment")),
    ("held_up", 'id="notifications"', all_of("orders.view_order", "notifications.view_notification")),
    ("held_up", "Send again", all_of("orders.view_order", *RESEND)),
    ("held_up", 'id="timeline"', all_of("orders.view_order", "orders.view_timeline")),
    ("product", "/adjust/", _of_product(*STOCK)),
    ("product", "Available", _of_product("inventory.view_stock")),
    ("product", "Movements", _of_product("inventory.view_stockmovement")),
    ("letter", "replay/?ids", all_of("messaging.view_deadletter", "messaging.replay_deadletter")),
    ("letter", "discard/?ids", all_of("messaging.view_deadletter", "messaging.discard_deadletter")),
    ("letter", "/edit/", all_of("messaging.view_deadletter", "messaging.edit_deadletter")),
]

"""Pages of the stand-in on which customers pay: plain forms, without a script."""

from html import escape
from urllib.parse import parse_qs

from tests.support.stripe.account import Account
from tests.support.stripe.answers import Refused
from tests.support.stripe.checkout import CARDS, _session, answer_bank, give_card

PATH = "/c/pay/"
#: Status, headers and body of an answer.
Answer = tuple[int, dict[str, str], str]


def answer(account: Account, method: str, path: str, form: str) -> Answer:
    """Show the page of a session, or do what its form says."""
    try:
        session = _session(account, path.removeprefix(PATH))
    except Refused:
        return 404, {}, "<p>There is no such page."
    if session["status"] != "open":
        return 410, {}, f"<p>This page is {session['status']}."
    act = parse_qs(form).get("act", [""])[0] if method == "POST" else ""
    if act == "back":
        return 303, {"Location": session["cancel_url"]}, ""
    words = _do(account, session["id"], act)
    if session["status"] == "complete":
        return 303, {"Location": session["success_url"]}, ""
    return 200, {"Content-Type": "text/html; charset=utf-8"}, _page(account, session, words)


def _do(account: Account, name: str, act: str) -> str:
    if act in CARDS:
        return give_card(account, name, CARDS[act])
    if act in {"yes", "no"}:
        return answer_bank(account, name, confirms=act == "yes")
    return ""


def _page(account: Account, session: dict[str, object], words: str) -> str:
    intent = account.intents.get(str(session["payment_intent"]), {})
    asks = intent.get("status") == "requires_action"
    acts = {"yes": "Complete", "no": "Fail"} if asks else {"pay": "Pay", "decline": "", "confirm": ""}
    buttons = "".join(
        f'<button name="act" value="{act}">{label or act}</button>'
        for act, label in {**acts, "back": "Back"}.items()
    )
    title = "3D Secure" if asks else f"Pay {session['amount_total']} {session['currency']}"
    form = f'<p role="alert">{escape(words)}</p><form method="post">{buttons}</form>'
    return f"<!doctype html><title>{title}</title>{form}"

"""URLs of the storefront."""

from django.urls import path, register_converter

from storefront.pages import (
    accounts,
    addresses,
    api_keys,
    basket,
    catalogue,
    checkout,
    links,
    orders,
    passwords,
    payments,
    profile,
    receipts,
    returns,
    two_factor,
)


class Sku:
    """Path converter of a SKU."""

    regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

    def to_python(self, value: str) -> str:
        """Return the value unchanged."""
        return value

    def to_url(self, value: str) -> str:
        """Return the value unchanged."""
        return value


class OrderNumber(Sku):
    """Path converter of an order number such as ORD-1042."""

    regex = r"[Oo][Rr][Dd]-\d{1,18}"


register_converter(Sku, "sku")
register_converter(OrderNumber, "number")

app_name = "storefront"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("products/<sku:sku>/", catalogue.product, name="product"),
    path("basket/", basket.basket, name="basket"),
    path("basket/add/", basket.add, name="add"),
    path("basket/change/", basket.change, name="change"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("orders/", orders.my_orders, name="orders"),
    path("orders/<number:number>/", orders.order, name="order"),
    path("orders/<number:number>/live/", orders.live, name="live"),
    path("orders/<number:number>/cancel/", orders.cancel, name="cancel"),
    path("orders/<number:number>/receipt/", receipts.receipt, name="receipt"),
    path("orders/<number:number>/payment/", payments.payment, name="payment"),
    path("orders/<number:number>/pay/", payments.pay, name="pay"),
    path("orders/<number:number>/send-back/", returns.send_back, name="send-back"),
    path("orders/<number:number>/returns/<uuid:return_id>/keep/", returns.keep, name="keep"),
    path("orders/<number:number>/again/", orders.again, name="again"),
    path("orders/<number:number>/link/", links.fresh_link, name="fresh-link"),
    path("o/<str:token>/", links.link, name="link"),
    path("orders/<uuid:order_id>/", orders.order_by_id, name="order-by-id"),
    path("accounts/login/", accounts.LogIn.as_view(), name="login"),
    path("accounts/logout/", accounts.LogOut.as_view(), name="logout"),
    path("accounts/register/", accounts.register, name="register"),
    path("accounts/", profile.account, name="account"),
    path("accounts/profile/", profile.profile, name="profile"),
    path("accounts/confirm/", profile.confirm_again, name="confirm-again"),
    path("accounts/confirm/<str:token>/", profile.confirm, name="confirm"),
    path("accounts/second-step/", two_factor.step, name="second-step"),
    path("accounts/two-factor/", two_factor.manage, name="two-factor"),
    path("accounts/close/", profile.close, name="close"),
    path("accounts/password/", passwords.ChangePassword.as_view(), name="password"),
    path("accounts/password/forgotten/", passwords.ForgotPassword.as_view(), name="reset"),
    path("accounts/password/<uidb64>/<token>/", passwords.NewPassword.as_view(), name="reset-confirm"),
    path("accounts/addresses/", addresses.addresses, name="addresses"),
    path("accounts/addresses/new/", addresses.address, name="new-address"),
    path("accounts/addresses/<uuid:address_id>/", addresses.address, name="address"),
    path("accounts/addresses/<uuid:address_id>/change/", addresses.change_address, name="change-address"),
    path("accounts/keys/", api_keys.keys, name="keys"),
    path("accounts/keys/<int:key_id>/revoke/", api_keys.revoke, name="revoke-key"),
]

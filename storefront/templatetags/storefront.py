"""Template tags of the storefront: money, pictures, countries, size of the basket."""

from decimal import Decimal

from django import template
from django.template.context import Context
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from orders.addresses import lines_of
from shop.currencies import as_text
from storefront.basket import Basket
from storefront.countries import country_name
from storefront.formats import day_of, moment, short_moment

register = template.Library()
register.filter("country", country_name)
register.filter("address_lines", lines_of)
register.filter("day_of", day_of)
register.filter("moment", moment)
register.filter("short_moment", short_moment)


_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Format an amount as €1,234.50, in German as 1.234,50 €; CHF 1,234.50 for a currency without a sign."""
    text = number_format(as_text(amount, currency), force_grouping=True)
    if sign := _SIGNS.get(currency):
        return pgettext("amount", "{sign}{amount}").format(sign=sign, amount=text)
    words = pgettext("amount", "{currency} {amount}").format(currency=currency, amount=text)
    return words.replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def picture(product: object) -> SafeString:
    """Render a product's picture: an image by its URL, an emoji, or the first letter of the name."""
    picture, name = str(getattr(product, "picture", "")), str(getattr(product, "name", ""))
    if picture.startswith(("https://", "http://", "/")):
        return format_html('<img class="picture" src="{}" alt="" loading="lazy">', picture)
    if picture and not picture.isascii():
        letter = name[:1].upper()
        return format_html(
            '<span class="picture" data-letter="{}" aria-hidden="true">{}</span>', letter, picture
        )
    return format_html('<span class="picture letter" aria-hidden="true">{}</span>', name[:1].upper())


@register.simple_tag(takes_context=True)
def basket_size(context: Context) -> int:
    """Return the number of items in the basket."""
    request = context.get("request")
    return len(Basket(request)) if request is not None else 0

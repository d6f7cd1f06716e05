"""Countries as invoices name them: by code, by a name of ISO 3166, or by a name of everyday."""

from functools import cache

#: Names that ISO 3166 does not have -> ISO 3166-1 alpha-2.
_EVERYDAY = {
    "channel islands": "JE",
    "czech rep": "CZ",
    "czech rep.": "CZ",
    "eire": "IE",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "ivory coast": "CI",
    "korea": "KR",
    "macau": "MO",
    "northern ireland": "GB",
    "republic of ireland": "IE",
    "rsa": "ZA",
    "russia": "RU",
    "scotland": "GB",
    "swaziland": "SZ",
    "the netherlands": "NL",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.a.": "US",
    "uae": "AE",
    "uk": "GB",
    "wales": "GB",
}


@cache
def code_of(name: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country; empty if there is no such country."""
    import pycountry  # noqa: PLC0415 - an installation for imports alone has it

    plain = " ".join(name.split()).casefold()
    try:
        return _EVERYDAY.get(plain) or str(pycountry.countries.lookup(plain).alpha_2)
    except LookupError:
        return ""

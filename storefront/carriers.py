"""Pages on which carriers show where a parcel is."""

from urllib.parse import quote

#: Name of a carrier, in lower case, -> the address of such a page, which ends with the tracking number.
_PAGES = {
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
    "dhlexpress": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
    "dpd": "https://tracking.dpd.de/parcelstatus?query=",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr=",
    "gls": "https://gls-group.eu/track/",
    "ups": "https://www.ups.com/track?tracknum=",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
}


def tracking_page(carrier: str, number: str) -> str:
    """Return the address of the carrier's page about a parcel; empty for a carrier that we know none of."""
    page = _PAGES.get(carrier.replace(" ", "").lower(), "")
    return page + quote(number, safe="") if page else ""

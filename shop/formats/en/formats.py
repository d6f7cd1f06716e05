"""Dates and times of English pages: ISO 8601, so that lists sort and nobody has to ask for the zone."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i T"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i T"
#: Of our own, for ``{{ moment|date:"SECONDS_FORMAT" }}``.
SECONDS_FORMAT = "Y-m-d H:i:s T"

"""Dates and times of German pages, with the zone as on English ones."""

DATE_FORMAT = SHORT_DATE_FORMAT = "d.m.Y"
TIME_FORMAT = "H:i T"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "d.m.Y H:i T"
#: Of our own, for ``{{ moment|date:"SECONDS_FORMAT" }}``.
SECONDS_FORMAT = "d.m.Y H:i:s T"

"""Batches of Service Bus: an AMQP message whose data sections are encoded messages."""

import struct
from collections.abc import Iterator

_DATA = 0x75
#: Format code of an encoding -> format and bytes of its size; None for the empty list.
_SIZES = {
    0xA0: (">B", 1),
    0xC0: (">B", 1),
    0xC1: (">B", 1),
    0xB0: (">I", 4),
    0xD0: (">I", 4),
    0xD1: (">I", 4),
}
_EMPTY_LIST = 0x45
#: First bytes of a section: a descriptor, given as a small unsigned number.
_SECTION = b"\x00\x53"


def messages_in(raw: bytes) -> list[bytes]:
    """Return the encoded messages of a batch, or ``raw`` itself if it is a plain message.

    Proton does not show a transfer's message format, so a batch is known by its data sections.
    """
    try:
        contents = list(_data_sections(raw))
    except (IndexError, KeyError, struct.error):  # a body of another kind, such as a value
        return [raw]
    return contents if contents and all(part.startswith(_SECTION) for part in contents) else [raw]


def _data_sections(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        if not raw.startswith(_SECTION, at):
            raise KeyError("no section")
        section, code, at = raw[at + 2], raw[at + 3], at + 4
        if code == _EMPTY_LIST:
            continue
        form, length = _SIZES[code]
        (size,) = struct.unpack_from(form, raw, at)
        at += length
        if section == _DATA:
            yield raw[at : at + size]
        at += size

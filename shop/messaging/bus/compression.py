"""Refusal of compressed messages: a few bytes may open to more than a worker's memory.

The shop compresses none.
"""

from typing import NoReturn

from kombu import compression


def refuse_compressed() -> None:
    """Have kombu open no compressed message in this process, which it would do before anything else."""
    for content_type in compression.encoders():
        compression.register(_refuse, _refuse, content_type)


def _refuse(body: bytes) -> NoReturn:
    raise ValueError("compressed messages are refused")

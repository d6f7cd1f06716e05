"""Fixtures of accounts."""

import logging

import pytest


@pytest.fixture
def security_log(caplog):
    """Lines of the security log, without their times."""
    logger = logging.getLogger("shop.security")
    logger.addHandler(caplog.handler)
    yield lambda: [record.getMessage() for record in caplog.records if record.name == "shop.security"]
    logger.removeHandler(caplog.handler)

"""Logs as JSON, one object a line, if ``LOG_FORMAT=json``."""

import json
import logging
from datetime import UTC, datetime

from shop.messaging.tracing import log_context


class JsonFormatter(logging.Formatter):
    """Formatter of JSON lines, with the ids of the consumer's run that writes them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.processName,
            "message": record.getMessage(),
            **log_context.fields(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)

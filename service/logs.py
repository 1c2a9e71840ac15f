"""How the log is written: one JSON object a line, or plain text for people."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

from service import access
from service.settings import Settings

LOGGERS = ("bentoml", "uvicorn.error", "")  # our own are below the first


class JsonLines(logging.Formatter):
    """time, level, message, pid, request_id, and what a record brings in `facts`; `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "pid": os.getpid(),
        }
        request = access.current.get()
        line |= {"request_id": request.request_id} if request else {}
        line |= getattr(record, "facts", {})
        line |= {"error": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """Time, level and message, and the request's id."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without a traceback; a line break that a client sent does not begin a line."""
        request = access.current.get()
        words = f"{_time(record)} {record.levelname} {record.message}".encode("unicode_escape").decode("ascii")
        return f"{words} id={request.request_id}" if request else words


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def set_up(settings: Settings) -> None:
    """Give every logger of this process the form that the settings say."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else PlainLines())
    for name in LOGGERS:
        logging.getLogger(name).handlers = [handler]
    logging.getLogger("bentoml").setLevel(settings.log_level.upper())
    logging.getLogger("uvicorn.error").propagate = False

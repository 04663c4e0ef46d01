"""One JSON object a line on stderr, secrets taken out; for every process of ours."""

from __future__ import annotations

import logging
import sys

import structlog

from core.redaction import Redactor


def configure(redactor: Redactor, *, room: str, level: str = "INFO") -> None:
    """Send every library's and our own records through one redacting JSON formatter. Replaces earlier handlers."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("message"),
            # uvicorn gives each message once more, in colours.
            lambda _logger, _method, event: {"room": room} | {k: event[k] for k in event if k != "color_message"},
            structlog.processors.format_exc_info,
            redactor.processor,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    for chatty in ("urllib3", "httpcore2", "httpx2", "markdown_it"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

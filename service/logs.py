"""The log: one JSON object a line on standard error. Holds no bodies, no ids, no secrets."""

import sys

import structlog


def configure_logs() -> None:
    """Let everything that logs in this process do it this way; for the process that serves."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        # Looked up for each logger: standard error may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )

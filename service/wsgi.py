"""The app for any WSGI server: `gunicorn service.wsgi:app`. `hourglass serve` does not need it."""

from pipelines.settings import Settings
from service.app import create_app

app = create_app(Settings.from_environment())

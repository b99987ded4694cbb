"""The web app, put together. Holds no route and no rule of its own."""

import atexit

from apiflask import APIFlask

from pipelines.predictor.active import ActivePredictor
from pipelines.predictor.active_images import ActiveImages
from pipelines.predictor.baseline import Baseline
from pipelines.predictor.popularity import Popularity
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine
from pipelines.watch.loading import LoadedDetectors
from service.context import EXTENSION, Context
from service.draining import DrainedBody
from service.errors import register_errors
from service.logs import configure_logs
from service.openapi import DESCRIPTION, VERSION, complete
from service.paths import RawPath, decode_ids
from service.problems import MAX_BODY_BYTES
from service.reading import JsonProvider, JsonRequest
from service.routes import BLUEPRINTS
from service.tracing import trace


class Hourglass(APIFlask):
    """APIFlask with our own reading and writing of JSON."""

    request_class = JsonRequest
    json_provider_class = JsonProvider


def create_app(settings: Settings, *, watch: bool = True) -> Hourglass:
    """An app of its own engine and predictor; several can live in one process.

    watch: keep looking for a newly promoted artifact in the background, until the process ends.
    """
    configure_logs()
    app = Hourglass(__name__, title="Hourglass", version=VERSION, docs_path=None)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        DESCRIPTION=DESCRIPTION,
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
    )
    _add_parts(app, settings, watch=watch)
    app.url_map.merge_slashes = False
    app.url_value_preprocessor(decode_ids)
    trace(app)
    app.spec_processor(complete)
    register_errors(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    # Assigning to wsgi_app is how Flask wants middleware to be added.
    app.wsgi_app = DrainedBody(RawPath(app.wsgi_app))  # type: ignore[method-assign]
    return app


def _add_parts(app: Hourglass, settings: Settings, *, watch: bool) -> None:
    engine = create_engine(settings.database_url)
    active = ActivePredictor(engine, settings.store_url)
    images = ActiveImages(engine, settings.store_url)
    detectors = LoadedDetectors(engine, settings.store_url)
    app.extensions[EXTENSION] = Context(
        settings, engine, active, images, Popularity(), detectors, Baseline()
    )
    if watch:
        for watcher in (active, images):
            watcher.start()
            atexit.register(watcher.close)

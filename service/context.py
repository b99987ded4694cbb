"""What a route may use: the settings, the database, the active artifact. Not a service locator.

One Context belongs to one app; nothing here is global.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.predictor.active import ActivePredictor
from pipelines.predictor.active_images import ActiveImages
from pipelines.predictor.baseline import Baseline
from pipelines.predictor.popularity import Popularity
from pipelines.settings import Settings
from pipelines.storage.engine import reading, writing
from pipelines.watch.loading import LoadedDetectors

EXTENSION = "hourglass"


@dataclass(frozen=True)
class Context:
    """The parts of one running app."""

    settings: Settings
    engine: Engine
    active: ActivePredictor
    images: ActiveImages
    popularity: Popularity
    detectors: LoadedDetectors
    baseline: Baseline

    def reading(self) -> AbstractContextManager[Session]:
        """A session that only reads."""
        return reading(self.engine)

    def writing(self) -> AbstractContextManager[Session]:
        """A session that commits at its end, or leaves nothing."""
        return writing(self.engine)


def context() -> Context:
    """The Context of the app that answers the present request."""
    return cast(Context, current_app.extensions[EXTENSION])

"""Which steps a run goes through, and in which line it waits: by what it is about.

The names of steps are in the records of runs under way. Who calls them: `pipelines/workflows.py`,
`pipelines/durable.py`.
"""

from dataclasses import dataclass

from pipelines.runs.image_steps import IMAGE_STEPS
from pipelines.runs.steps import STEPS, Step
from pipelines.storage.tables import IMAGES, INTERACTIONS
from pipelines.watch.config import WATCH
from pipelines.watch.fit_steps import DETECTOR_STEPS
from pipelines.watch.reweighting import WEIGHTS
from pipelines.watch.settings import DETECTORS
from pipelines.watch.steps import WATCH_STEPS
from pipelines.watch.weight_steps import WEIGHT_STEPS


@dataclass(frozen=True)
class Chain:
    """Steps in their order.

    workflow: their name in the worker's records. queue: runs of one wait for each other.
    """

    workflow: str
    queue: str
    steps: tuple[tuple[str, Step], ...]


CHAINS = {
    INTERACTIONS: Chain("training", "training", STEPS),
    IMAGES: Chain("training", "training-images", IMAGE_STEPS),
    DETECTORS: Chain("detector", "detectors", DETECTOR_STEPS),
    WATCH: Chain("watch", "watch", WATCH_STEPS),
    WEIGHTS: Chain("weights", "detectors", WEIGHT_STEPS),
}
"""Chains of one workflow have steps of the same names."""

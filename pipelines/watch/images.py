"""Which images are strange: those that the active artifact about images rebuilds worst.

Where in an image, its error map says (`GET /v1/items/{item_id}/image/error-map`).
"""

import torch
from sqlalchemy import Engine

from models.detectors.explanation import UNATTRIBUTED
from models.progress import OnChunk
from pipelines.images.artifact import ImageArtifact
from pipelines.images.pictures import rebuilt
from pipelines.storage.anomalies import NewAnomaly
from pipelines.storage.engine import reading
from pipelines.storage.images import describe_images, read_contents
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import Findings, ranked

CHUNK = 64
"""Images that are read, and rebuilt, together."""


def find_images(
    engine: Engine, artifact: ImageArtifact, config: WatchConfig, *, on_chunk: OnChunk
) -> Findings:
    """The images of the largest mean squared error; the p-value is the share of images with at
    least as much.
    """
    with reading(engine) as session:
        item_ids = [each.item_id for each in describe_images(session)]
    errors: dict[str, float] = {}
    for start in range(0, len(item_ids), CHUNK):
        on_chunk(start, len(item_ids))
        with reading(engine) as session:
            contents = dict(read_contents(session, item_ids=item_ids[start : start + CHUNK]))
        if contents:
            seen, expected = rebuilt(artifact, list(contents.values()))
            means = (seen - expected).square().mean(dim=(1, 2, 3))
            errors.update(zip(contents, means.tolist(), strict=True))
    names = list(errors)
    scores = torch.tensor([errors[name] for name in names], dtype=torch.float64)
    all_judged = ranked(scores, config)

    def one(num: int) -> NewAnomaly:
        whole = {"feature": UNATTRIBUTED, "contribution": float(scores[num])}
        return all_judged.finding(
            num, what=(names[num],), contributions=[whole], item_id=names[num]
        )

    return all_judged.findings("image", artifact.artifact_id, config.kept, one)

"""The steps of a run on images. Those of interactions, and what a step is: `steps.py`."""

from datetime import UTC, datetime
from typing import Any

import structlog
import torch

from pipelines.errors import DamagedArtifact
from pipelines.images.artifact import ImageArtifact, pack_images, read_image_artifact
from pipelines.images.catalogue import ImageRows, read_rows, resolved
from pipelines.images.embedding import embed_missing
from pipelines.images.judging import Errors, check_memory, judge_images
from pipelines.images.split import ImageSplit, Pixels, split_images, squared_errors
from pipelines.images.training import assess_images, fit_images
from pipelines.machine import available_memory
from pipelines.registry.artifact import write_artifact
from pipelines.runs.files import RunFiles
from pipelines.runs.steps import Parts, Step, candidate_of, publish_by, record_candidate
from pipelines.storage import artifacts
from pipelines.storage.engine import reading, writing
from pipelines.storage.tables import IMAGES
from pipelines.training.gate import Verdict
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig, run_config_of

log = structlog.get_logger()


class ImageRunFiles(RunFiles):
    """The files of a run on images; its checkpoints are as those of any run."""

    def write_images(self, config: RunConfig, rows: ImageRows) -> None:
        """Keep what the run is to see, and the run with the shape of its images."""
        tree = {**vars(rows), "pixels": torch.from_numpy(rows.pixels), "run": config.values()}
        self._write(f"{self._snapshot}/images.safetensors", tree)

    def read_images(self) -> tuple[RunConfig, ImageRows]:
        """What was kept. Raises NotReady where another home holds it."""
        tree = self._read(f"{self._snapshot}/images.safetensors")
        if tree is None:
            raise self.elsewhere()
        config = run_config_of(tree.pop("run"))
        return config, ImageRows(**{**tree, "pixels": tree["pixels"].numpy()})

    def write_errors(self, errors: Errors | None) -> None:
        """Keep what the gate needs."""
        tree = None if errors is None else {name: _tensor(v) for name, v in vars(errors).items()}
        self._write(f"{self._checkpoints}/errors.safetensors", tree)

    def read_errors(self) -> Errors | None:
        """What was kept."""
        tree = self._read(f"{self._checkpoints}/errors.safetensors")
        if tree is None:
            return None
        n_components = tree.pop("n_components")
        arrays = {name: tensor.numpy() for name, tensor in tree.items()}
        return Errors(**arrays, n_components=n_components)


def take_images(parts: Parts) -> None:
    """Read the images, once and for all of the run."""
    parts.on_progress(Progress("reading", 0, 1))
    with reading(parts.engine) as session:
        config, described = resolved(session, parts.config)
        channels, height, width = config.network["shape"]
        shape = (channels, height, width)
        check_memory(len(described), shape, memory_bytes=available_memory())
        rows = read_rows(session, described, shape)
    _files(parts).write_images(config, rows)


def fit_to_images(parts: Parts) -> None:
    """Fit, from the last checkpoint on."""
    config, split = _read(parts)
    fit_images(split, config, checkpoints=parts.files, on_progress=parts.on_progress)


def make_image_artifact(parts: Parts) -> None:
    """Measure what the fit came to, and write the artifact; it is a candidate from now on."""
    config, split = _read(parts)
    fitted = fit_images(split, config, checkpoints=parts.files, on_progress=parts.on_progress)
    trained = assess_images(fitted, split, config, on_progress=parts.on_progress)
    packed = pack_images(trained)
    parts.on_progress(Progress("writing", 0, 1))
    _files(parts).write_errors(trained.errors)
    write_artifact(parts.store, packed, writer=parts.run_id)
    record_candidate(parts, packed, subject=IMAGES)


def publish_images(parts: Parts) -> None:
    """Let the gate judge the candidate; if it passes embed every image, then promote it.

    Judges again where the active artifact changed meanwhile. Where it does not go live in the end,
    its embeddings go. Raises RunCancelled.
    """
    candidate = read_image_artifact(parts.store, candidate_of(parts))
    try:
        _publish(parts, candidate)
    finally:
        with writing(parts.engine) as session:
            artifacts.forget_unless_read(session, artifact_id=candidate.artifact_id)


def _publish(parts: Parts, candidate: ImageArtifact) -> None:
    _, split = _read(parts)
    errors = _files(parts).read_errors()

    def tell(done: int, total: int) -> None:
        parts.on_progress(Progress("embedding", done, total))

    def judged(rival_id: str | None) -> Verdict:
        verdict = judge_images(errors, _rival(parts, rival_id, split))
        if verdict.promote:
            embed_missing(parts.engine, candidate, on_chunk=tell)
        return verdict

    publish_by(
        parts,
        judged,
        artifact_id=candidate.artifact_id,
        promote=lambda session: artifacts.promote_artifact(
            session, artifact_id=candidate.artifact_id, now=datetime.now(UTC)
        ),
        subject=IMAGES,
    )


IMAGE_STEPS: tuple[tuple[str, Step], ...] = (
    ("snapshot", take_images),
    ("fit", fit_to_images),
    ("artifact", make_image_artifact),
    ("publish", publish_images),
)
"""Under the names of `steps.STEPS`."""


def _files(parts: Parts) -> ImageRunFiles:
    return ImageRunFiles(parts.home, parts.run_id)


def _read(parts: Parts) -> tuple[RunConfig, ImageSplit]:
    config, rows = _files(parts).read_images()
    return config, split_images(rows, config.seed)


def _rival(parts: Parts, rival_id: str | None, split: ImageSplit) -> Any:
    """A way to the errors of the active artifact on this run's test images; None: there is none."""
    if rival_id is None:
        return None
    try:
        rival = read_image_artifact(parts.store, rival_id)
    except DamagedArtifact as error:
        log.warning("the active artifact cannot be compared", reason=error.detail)
        return None

    def errors() -> Pixels | None:
        if rival.network.n_items != split.rows.pixels.shape[1]:
            return None
        return squared_errors(rival.network.reconstruct, split.pixels(split.test))

    return errors


def _tensor(value: Any) -> Any:
    return value if isinstance(value, int) else torch.from_numpy(value)

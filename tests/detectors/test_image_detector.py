"""The detector of strange pictures: found, explained to the pixel, kept, promised, refused."""

import json

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from models.detectors import image_members, images
from models.detectors.image_members import ImageMemberName
from models.detectors.images import ImageDetector, ImageDetectorConfig, fit_images
from models.detectors.kept_images import pack_images, unpack_images
from models.detectors.restoring import (
    N_WAYS,
    RestoringConfig,
    RestoringNetwork,
    displaced,
)
from models.errors import ConfigError, RowsError

SIDE = 12
EVERY = tuple(image_members.IMAGE_FITS)


def bars(n: int, seed: int, height: int = SIDE) -> Tensor:
    """Upright bars of some width, place and shade, with noise: (n, 1, height, SIDE)."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.randint(2, SIDE - 4, (n, 1), generator=generator)
    columns = torch.arange(SIDE)
    inside = (columns >= place) & (columns < place + 3)  # (n, SIDE)
    shade = 0.6 + 0.3 * torch.rand(n, 1, generator=generator)
    pictures = (inside * shade)[:, None, None, :].expand(-1, 1, height, -1)
    return (pictures + 0.05 * torch.rand(pictures.shape, generator=generator)).clamp(0, 1)


@pytest.fixture(autouse=True, scope="module")
def quick() -> object:
    """Less training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_members, "N_TREES", 50)
        patch.setattr(image_members, "RESTORING", RestoringConfig(width=4, code=16, steps=40))
        yield


@pytest.fixture(scope="module")
def detector() -> ImageDetector:
    generator = torch.Generator().manual_seed(0)
    return fit_images(bars(300, 0), ImageDetectorConfig(), generator=generator).detector


def test_pictures_that_components_tell_to_rounding_score_the_same_in_any_batch() -> None:
    shades = torch.linspace(0, 1, 6, dtype=torch.float64)[:, None, None, None]
    pictures = shades.expand(-1, 3, SIDE, SIDE)
    config = ImageDetectorConfig(calibration_share=0.0)
    generator = torch.Generator().manual_seed(0)
    fitted = fit_images(pictures, config, generator=generator).detector
    alone = torch.cat([fitted.score(each[None]).scores for each in pictures])
    assert torch.allclose(fitted.score(pictures).scores, alone, rtol=1e-5)


def test_strange_pictures_stand_out(detector: ImageDetector) -> None:
    usual, lying = bars(50, 1), bars(50, 1).transpose(2, 3)
    assert detector.score(lying).scores.min() > detector.score(usual).scores.median()
    p = detector.score(lying).p_values
    assert p is not None
    assert p.median() < 0.05
    assert 0.5 < float(detector.score(usual).scores.median()) < 2


def test_the_map_shows_where_and_sums_to_the_score(detector: ImageDetector) -> None:
    pictures = bars(4, 2)
    pictures[0, 0, 8:11, 0:2] = 1.0
    maps = detector.error_maps(pictures)
    assert torch.allclose(maps.maps.sum(dim=(1, 2, 3)) + maps.unattributed, maps.scores, rtol=1e-6)
    assert torch.allclose(maps.scores, detector.score(pictures).scores, rtol=1e-6)
    where = maps.maps[0, 0]
    assert where[8:11, 0:2].mean() > 5 * where.mean()


@pytest.mark.parametrize("name", EVERY)
def test_each_member_alone_scores_alike_in_any_batch_and_after_keeping(
    name: ImageMemberName,
) -> None:
    config = ImageDetectorConfig(members=(name,))
    generator = torch.Generator().manual_seed(1)
    detector = fit_images(bars(60, 3), config, generator=generator).detector
    pictures = bars(9, 4)
    together = detector.score(pictures).scores
    alone = torch.cat([detector.score(each[None]).scores for each in pictures])
    assert torch.allclose(alone, together, rtol=1e-5)
    tensors, values = pack_images(detector)
    again = unpack_images(load(save(tensors)), json.loads(json.dumps(values)))
    assert torch.equal(again.score(pictures).scores, together)
    assert again.config == config
    assert torch.equal(again.calibration, detector.calibration)


def test_one_seed_gives_one_detector() -> None:
    config = ImageDetectorConfig(members=("neighbours", "restoring"))
    scores = [
        fit_images(bars(40, 5), config, generator=torch.Generator().manual_seed(7))
        .detector.score(bars(5, 6))
        .scores
        for _ in range(2)
    ]
    assert torch.equal(*scores)


@pytest.mark.parametrize(("n", "height"), [(2, SIDE), (5, 40)])
def test_few_pictures_of_any_shape_are_enough_to_begin_with(n: int, height: int) -> None:
    pictures = bars(n, 8, height)
    fitted = fit_images(pictures, ImageDetectorConfig(), generator=torch.Generator())
    maps = fitted.detector.error_maps(pictures)
    assert maps.scores.isfinite().all()
    assert torch.allclose(maps.maps.sum(dim=(1, 2, 3)) + maps.unattributed, maps.scores, rtol=1e-6)


def test_a_batch_scores_the_good_pictures_and_lists_the_bad(detector: ImageDetector) -> None:
    pictures = bars(3, 9)
    pictures[1, 0, 0, 0] = float("nan")
    scored = detector.score(pictures)
    assert scored.rows.tolist() == [0, 2]
    assert [problem.row for problem in scored.problems] == [1]


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (bars(1, 0), "two that differ"),
        (torch.zeros(5, 1, 8, 8), "two that differ"),
        (bars(5, 0) * 255, "0 pictures are left"),
        (torch.zeros(5, 8), "channels, height, width"),
    ],
)
def test_pictures_that_teach_nothing_are_refused(pictures: Tensor, words: str) -> None:
    with pytest.raises(RowsError, match=words):
        fit_images(pictures, ImageDetectorConfig(), generator=torch.Generator())


def test_what_cannot_be_asked_is_named(detector: ImageDetector) -> None:
    with pytest.raises(RowsError, match=r"must be .n, 1, 12, 12"):
        detector.score(torch.zeros(1, 1, 9, 9))
    with pytest.raises(ConfigError, match="Did you mean 'forest'"):
        ImageDetectorConfig(members=("forrest",))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="alert_rate is 2"):
        detector.threshold_at(2)
    assert detector.threshold_at(0.1) is not None
    assert detector.threshold_at(0.001) is None
    assert set(images.WEIGHTS) == set(EVERY)


def test_ways_of_displacing_are_all_different_and_the_first_is_none() -> None:
    picture = torch.rand(1, 1, 10, 10, generator=torch.Generator().manual_seed(0))
    ways = [displaced(picture, way) for way in range(N_WAYS)]
    assert torch.equal(ways[0], picture)
    assert len({tuple(each.flatten().tolist()) for each in ways}) == N_WAYS


def test_every_parameter_that_sets_upright_gets_a_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    network = RestoringNetwork(RestoringConfig(), shape=(1, SIDE, SIDE), generator=generator)
    terms = network.loss(bars(40, 0).flatten(1), generator)
    terms.total.backward()
    assert all(each.grad is not None and each.grad.any() for each in network.parameters())
    assert float(terms.penalty.detach()) > 0
    assert network.logits(bars(3, 0).flatten(1)).shape == (3, SIDE * SIDE)

"""Pictures as rows of a table whose columns are regions: scored, told, weighed, kept, refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from models.detectors import image_members
from models.detectors.explanation import UNATTRIBUTED, explain
from models.detectors.images import ImageDetectorConfig
from models.detectors.kinds import pack_detector, unpack_detector
from models.detectors.regions import IMAGE, RegionDetector, fit_regions, region_names
from models.detectors.restoring import RestoringConfig
from models.errors import RowsError


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Bars somewhere on dark ground, with noise: (n, 3, 32, 32) uint8."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 30, (n, 3, 32, 32))
    for num, place in enumerate(rng.integers(8, 22, n)):
        found[num, :, 4:28, place : place + 4] += 180
    return found.astype(np.uint8)


@pytest.fixture(autouse=True, scope="module")
def quick() -> object:
    """Less training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_members, "N_TREES", 30)
        patch.setattr(image_members, "RESTORING", RestoringConfig(width=4, code=16, steps=40))
        yield


def fitted(n: int, share: float = 0.2, seed: int = 0) -> RegionDetector:
    generator = torch.Generator().manual_seed(seed)
    config = ImageDetectorConfig(calibration_share=share)
    return fit_regions({IMAGE: pictures(n)}, config, generator=generator)


@pytest.fixture(scope="module")
def detector() -> RegionDetector:
    return fitted(150)


def test_the_strange_region_is_named_and_contributions_sum_to_the_score(
    detector: RegionDetector,
) -> None:
    marked = pictures(40, seed=1)
    marked[3, :, 28:32, 0:4] = 255
    scored = detector.score({IMAGE: marked})
    explained, problems = explain(detector, {IMAGE: marked}, [3, 5])
    assert [each.row for each in explained] == [3, 5]
    assert problems == ()
    first = explained[0].contributions[0]
    assert first.column == "region_7_0"
    assert first.observed > 0.8 > 0.3 > first.expected
    assert {each.column for each in explained[0].contributions} == {*region_names(), UNATTRIBUTED}
    for each in explained:
        assert each.score == pytest.approx(float(scored.scores[each.row]), rel=1e-6)
        assert sum(part.contribution for part in each.contributions) == pytest.approx(each.score)
    assert scored.p_values is not None
    assert len(detector.calibration) == 30
    assert float(scored.p_values[3]) < float(scored.p_values.median())


def test_a_picture_scores_the_same_alone_among_others_and_after_keeping(
    detector: RegionDetector,
) -> None:
    """Also one of those that it was fitted to, which is not its own neighbour in either case."""
    some = np.concatenate([pictures(150)[:5], pictures(5, seed=2)])
    together = detector.score({IMAGE: some}).scores
    alone = torch.cat([detector.score({IMAGE: each[None]}).scores for each in some])
    assert torch.allclose(alone, together, rtol=1e-5)
    tensors, values = pack_detector(detector)
    again = unpack_detector(load(save(tensors)), json.loads(json.dumps(values)))
    assert torch.equal(again.score({IMAGE: some}).scores, together)
    assert torch.equal(again.calibration, detector.calibration)


def test_weights_of_regions_move_scores_and_calibration(detector: RegionDetector) -> None:
    weights = torch.zeros_like(detector.column_weights)
    weights[0] = 1.0
    weighed = detector.weigh(weights)
    told = detector.tell({IMAGE: pictures(4, seed=3)}).contributions
    assert torch.allclose(weighed.score({IMAGE: pictures(4, seed=3)}).scores, told[:, 0])
    assert torch.allclose(weighed.calibration, detector.held_out[:, 0])


def test_regions_are_shown_by_their_mean_shade(detector: RegionDetector) -> None:
    one = np.zeros((1, 3, 32, 32), np.uint8)
    one[0, :, :4, 4:8] = 255
    shown = detector.shown({IMAGE: one})
    assert shown["region_0_1"][0] == pytest.approx(1)
    assert sum(float(column[0]) for column in shown.values()) == pytest.approx(1)


@pytest.mark.parametrize("n", [2, 3, 20, 100])
def test_few_pictures_are_enough(n: int) -> None:
    detector = fitted(n)
    scores = detector.score({IMAGE: pictures(n)}).scores
    assert scores.isfinite().all()
    assert len(detector.calibration) == n // 5
    assert (detector.score({IMAGE: pictures(3, seed=4)}).p_values is None) == (n < 5)


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (pictures(1), "1 image to learn from"),
        (pictures(1).repeat(6, axis=0), "All 6 images are alike"),
    ],
)
def test_pictures_that_teach_nothing_are_refused(many: np.ndarray, words: str) -> None:
    with pytest.raises(RowsError, match=words):
        fit_regions({IMAGE: many}, ImageDetectorConfig(), generator=torch.Generator())


def test_of_no_pictures_nothing_is_told(detector: RegionDetector) -> None:
    none = {IMAGE: pictures(0)}
    assert detector.score(none).scores.tolist() == []
    assert explain(detector, none) == ((), ())


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RowsError, match="'clouds'"):
        unpack_detector({}, {"kind": "clouds"})

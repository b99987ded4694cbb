"""Forest, neighbours, Mahalanobis distance and networks: against others, and by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from models.detectors.forest import from_scikit_learn
from models.detectors.locality import Locality, fit_locality
from models.detectors.mahalanobis import Mahalanobis
from models.detectors.members import MemberName
from models.detectors.neighbours import Neighbours
from models.detectors.networks import NetworksConfig, fit_networks
from models.detectors.objectives import OBJECTIVES
from models.errors import ConfigError


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def x() -> Tensor:
    """Rows (400, 5) near a curved line, one column a copy of another but for noise."""
    rng = np.random.default_rng(0)
    t = rng.normal(size=400)
    columns = [t, t**2, np.sin(t), t + 0.1 * rng.normal(size=400), rng.normal(size=400)]
    rows = torch.from_numpy(np.column_stack(columns))
    return (rows - rows.mean(dim=0)) / rows.std(dim=0)


@pytest.mark.parametrize("n_rows", [2, 3, 50, 400])
def test_a_forest_scores_as_scikit_learns_does(x: Tensor, n_rows: int) -> None:
    rows = x[:n_rows].float().numpy()
    grown = IsolationForest(n_estimators=50, random_state=0).fit(rows)
    scores = from_scikit_learn(grown).score(x).numpy()
    assert scores == pytest.approx(-grown.score_samples(x.float().numpy()), abs=1e-12)


def test_a_forest_that_drew_columns_scores_as_scikit_learns_does(x: Tensor) -> None:
    grown = IsolationForest(n_estimators=20, max_features=2, random_state=0).fit(x.float().numpy())
    expected = -grown.score_samples(x.float().numpy())
    assert from_scikit_learn(grown).score(x).numpy() == pytest.approx(expected, abs=1e-12)


def test_neighbours_are_those_of_scikit_learn(x: Tensor) -> None:
    ours = Neighbours.fit(x[:300], k=4, skips_itself=False, generator=generator())
    found = NearestNeighbors(n_neighbors=4).fit(x[:300].float().numpy())
    distances, _ = found.kneighbors(x[300:].float().numpy())
    expected = np.square(distances).mean(axis=1)
    assert ours.errors(x[300:]).sum(dim=1).numpy() == pytest.approx(expected, rel=1e-5)


def test_a_row_is_no_neighbour_of_itself_where_its_own_are_scored(x: Tensor) -> None:
    ours = Neighbours.fit(x, k=4, skips_itself=True, generator=generator())
    distances, _ = NearestNeighbors(n_neighbors=4).fit(x.float().numpy()).kneighbors()
    expected = np.square(distances).mean(axis=1)
    assert ours.errors(x).sum(dim=1).numpy() == pytest.approx(expected, rel=1e-5)
    near = NearestNeighbors(n_neighbors=4).fit(x.float().numpy()).kneighbors()[1]
    assert torch.allclose(ours.expected(x), x.float().double()[near].mean(dim=1))


def test_mahalanobis_distance_is_that_of_scikit_learn(x: Tensor) -> None:
    expected = LedoitWolf().fit(x.numpy()).mahalanobis(x.numpy())
    assert Mahalanobis.fit(x).errors(x).sum(dim=1).numpy() == pytest.approx(expected)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_networks_of_every_kind_find_the_row_off_the_line(kind: str, x: Tensor) -> None:
    config = NetworksConfig(kind=kind, n_members=2, width=32, steps=300)  # type: ignore[arg-type]
    networks = fit_networks(x, config, grain=0.2, generator=generator())
    strange = x[:1].clone()
    strange[0, 3] += 3.0
    with torch.inference_mode():
        usual = networks.errors(x).sum(dim=1).median()
        errors = networks.errors(strange)[0]
    assert errors.sum() > 5 * usual
    assert int(errors.argmax()) in (0, 3)  # the two that no longer agree


def test_the_penalty_of_a_kind_responds_to_its_weight(x: Tensor) -> None:
    for kind in ("variational", "contractive"):
        config = NetworksConfig(kind=kind, n_members=1, width=16, steps=100)  # type: ignore[arg-type]
        codes = []
        for weight in (0.0, 10.0):
            changed = replace(config, penalty_weight=weight)
            networks = fit_networks(x, changed, grain=0.2, generator=generator())
            with torch.inference_mode():
                codes.append(networks.codes(x).std(dim=0).mean())
        assert codes[1] < codes[0]


def test_every_parameter_of_the_networks_gets_a_gradient(x: Tensor) -> None:
    networks = fit_networks(x, NetworksConfig(steps=1), grain=0.2, generator=generator())
    networks.loss(x, generator()).total.backward()
    assert all(each.grad is not None and each.grad.any() for each in networks.parameters())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"levels": ()}, "at least one"),
        ({"levels": (2.0, 1.0)}, "rise"),
        ({"levels": (1.0, math.nan)}, "levels must be finite"),
        ({"levels": (1.0, math.inf)}, "levels must be finite"),
        ({"steps": 0}, "steps is 0"),
        ({"width": math.nan}, "width is nan"),
        ({"epochs": math.inf}, "epochs is inf"),
        ({"penalty_weight": math.nan}, "penalty_weight is nan"),
        ({"penalty_weight": -1.0}, "penalty_weight is -1"),
        ({"kind": "linear"}, "contractive, denoising, variational"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        NetworksConfig(**options)  # type: ignore[arg-type]


def test_what_is_hard_for_all_around_counts_less(x: Tensor) -> None:
    near = Neighbours.fit(x[:50], k=1, skips_itself=False, generator=generator())
    errors = [torch.ones(50, 1, dtype=torch.float64), torch.ones(50, 2, dtype=torch.float64)]
    errors[0][:20] = 9.0
    members = {"forest": near, "neighbours": near}
    powers: dict[MemberName, float] = {"forest": 0.5}
    locality = fit_locality(members, x[:50], errors, powers)
    assert locality is not None
    divided = locality.beside([torch.ones(5, 1), torch.ones(5, 2)], x[:5], members)
    distances = torch.cdist(x[:5], x[:50]).topk(10, largest=False).indices
    local = errors[0][distances][:, :, 0].mean(dim=1)
    assert torch.allclose(divided[0][:, 0], local**-0.5)
    assert torch.equal(divided[1], torch.ones(5, 2, dtype=torch.float64))
    assert fit_locality({"forest": near}, x[:50], errors, powers) is None
    assert fit_locality(members, x[:50], errors, {}) is None


def test_scores_that_are_mostly_next_to_nothing_do_not_swallow_the_others() -> None:
    scores = torch.cat([torch.full((61, 1), 1e-9), torch.ones(40, 1)]).double()
    assert Locality.of(scores, [1.0]).scores.max() < 10


def test_rows_as_near_as_the_last_count_too() -> None:
    """Else it would hang on rounding, and so on the batch, which of them is taken."""
    grid = torch.cartesian_prod(*[torch.arange(4.0)] * 2).double()
    near = Neighbours.fit(grid, k=1, skips_itself=False, generator=generator())
    values = torch.arange(16.0).double()[:, None]
    around = near.around(grid[5:6], values, k=3)  # itself, and four at a distance of one
    assert around.item() == pytest.approx((5 + 1 + 4 + 6 + 9) / 5)

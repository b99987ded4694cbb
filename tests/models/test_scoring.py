"""Rankings, neighbours and histories without an item, by hand."""

import math

import pytest
import torch

from models.catalog import build
from models.rows import rests, rows_at
from models.scoring.anomaly import score_row, score_rows
from models.scoring.calibrated import calibrate
from models.scoring.ranking import best_items, mask, top_n
from models.scoring.robust import features_of, fit_robust
from models.scoring.similarity import cosine_to_all
from models.scoring.surprise import fit_temperature, surprises
from models.scoring.usual import fit_usual
from tests.models.conftest import rows_of


def test_masked_items_come_last_with_minus_infinity() -> None:
    values, nums = top_n(
        mask(torch.tensor([[3.0, 2.0, 1.0]]), rows_of(torch.tensor([[1.0, 0, 0]]))), 3
    )
    assert nums.tolist() == [[1, 2, 0]]
    assert values[0, -1] == -math.inf


def test_more_than_there_is_gives_all() -> None:
    assert top_n(torch.zeros(2, 3), 100)[0].shape == (2, 3)


def test_cosine_of_a_zero_row_is_zero() -> None:
    embeddings = torch.tensor([[1.0, 0], [0, 0], [2, 0], [0, 1]])
    assert cosine_to_all(embeddings, 0).tolist() == [1, 0, 1, 0]


def test_rests_are_the_rows_without_an_entry_each() -> None:
    x = rows_of(torch.tensor([[1.0, 0, 2, 3], [0, 4, 0, 0]]))
    left = rests(x, torch.tensor([0, 2, 3]))
    assert left.to_dense().tolist() == [[0, 0, 2, 3], [1, 0, 2, 0], [0, 0, 0, 0]]
    assert rows_at(x, torch.tensor([1, 0, 1])).to_dense()[:, 1].tolist() == [4, 0, 4]


@pytest.mark.parametrize("form", ["ease", "elsa"])
def test_what_is_left_out_is_as_if_it_had_never_been_there(form: str) -> None:
    generator = torch.Generator().manual_seed(0)
    x = rows_of((torch.rand(30, 9, generator=generator) < 0.5).float())
    network = build("linear", {"form": form}, n_items=9, generator=generator)
    network.solve(x)
    entry_nums = torch.arange(len(x.indices))
    expected = network.logits(rests(x, entry_nums))
    assert torch.allclose(network.logits_left_out(x, entry_nums), expected, atol=1e-5)


def test_a_score_is_the_same_alone_and_among_many() -> None:
    generator = torch.Generator().manual_seed(0)
    network = build("denoising", {}, n_items=20, generator=generator).eval()
    x = rows_of((torch.rand(300, 20, generator=generator) < 0.3).float())
    calibration = calibrate(network, x, x, generator=generator, on_chunk=lambda done, total: None)
    scale = calibration.scale
    assert scale.usual.n_knots > 1
    many = score_rows(network, x, scale)
    for num in (0, 7, 299):
        one = score_row(network, rows_at(x, torch.tensor([num])), scale)
        assert one.score == pytest.approx(float(many.scores[num]), abs=1e-5)
        assert float(one.contributions.sum()) == pytest.approx(one.score, abs=1e-9)


def test_scores_lose_what_only_grows_with_size() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(1, 500, (2000,), generator=generator)
    noise = torch.randn(2000, generator=generator, dtype=torch.float64)
    scores = 3 * torch.log1p(sizes.double()) + noise * (1 + 1 / sizes)
    median, spread = fit_usual(scores[::2], sizes[::2]).at(sizes[1::2])
    standard = (scores[1::2] - median) / spread
    ranks = torch.stack([part.double().argsort().argsort() for part in (standard, sizes[1::2])])
    assert abs(float(torch.corrcoef(ranks.double())[0, 1])) < 0.1
    assert 0.8 < float(standard.std()) < 1.3


def test_of_few_rows_nothing_is_known_to_be_usual() -> None:
    scores = torch.arange(19.0)
    median, spread = fit_usual(scores, scores.long()).at(torch.tensor([3]))
    assert (median.tolist(), spread.tolist()) == ([0], [1])


def test_temperature_makes_scores_without_a_scale_probable() -> None:
    generator = torch.Generator().manual_seed(0)
    x = rows_of(torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).repeat(20, 1))
    network = build("linear", {"form": "ease"}, n_items=6, generator=generator)
    network.solve(x)
    temperature = fit_temperature(network, x, generator=generator)
    fitted = surprises(network, x, temperature=temperature).values
    assert float(fitted.mean()) < 0.1 < float(surprises(network, x).values.mean())


def test_simple_features_add_up_and_find_the_odd_one() -> None:
    rows = torch.zeros(40, 50)
    for num in range(40):
        rows[num, num % 4 : 12 + num % 7] = 1
    rows[39, 5:50] = 1
    x = rows_of(rows)
    others = rows.sum(dim=0).long()[x.indices] - 1
    robust = fit_robust(features_of(x, others))
    scores = robust.errors(features_of(x, others)).sum(dim=1)
    assert int(scores.argmax()) == 39
    assert torch.equal(robust.calibration, scores.sort().values)


@pytest.mark.parametrize("n", [1, 20, 300, 400])
def test_the_best_items_of_many_rows_are_those_of_the_top_n(n: int) -> None:
    scores = torch.randn(40, 300, generator=torch.Generator().manual_seed(0))
    scores[:, 100:250] = -torch.inf
    values, nums = top_n(scores, n)
    found = best_items(scores, n)
    assert torch.equal(scores.gather(1, found), values)
    assert torch.equal(found[:, :150], nums[:, :150])


@pytest.mark.parametrize("n_items", [300, 70_000])
def test_the_best_items_of_scores_in_bfloat16_are_those_of_the_top_n(n_items: int) -> None:
    scores = torch.randn(5, n_items, generator=torch.Generator().manual_seed(0)).bfloat16()
    scores[:, 100:250] = -torch.inf
    scores[0] = -1 - scores[0].abs()  # of negative ones alone
    found = best_items(scores, 100)
    assert torch.equal(scores.gather(1, found), top_n(scores, 100)[0])
    assert all(len(set(row)) == 100 for row in found.tolist())

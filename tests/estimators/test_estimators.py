"""The scikit-learn faces: what they answer, where they refuse, and how they compose."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from models.catalog import kinds_of
from models.errors import ConfigError, RowsError
from models.estimators import AutoencoderRecommender, AutoencoderTransformer
from tests.models.conftest import SMALL, checkerboard

DENSE = ("undercomplete", "sparse", "denoising", "contractive", "stacked", "deep", "variational")
"""The kinds that the issue marks for rows of real values."""
CHECKERBOARD = sparse.csr_array(checkerboard().numpy())


class TestTransformer:
    def test_codes_keep_what_the_rows_hold(self, ring: Any) -> None:
        reducer = AutoencoderTransformer(latent_dim=2, epochs=300, options={"activation": "tanh"})
        back = reducer.inverse_transform(reducer.fit_transform(ring))
        assert reducer.transform(ring).shape == (200, 2)
        assert np.square(back - ring).sum() < 0.05 * np.square(ring - ring.mean(axis=0)).sum()

    @pytest.mark.parametrize("kind", DENSE)
    def test_every_kind_that_is_marked_learns_real_values(self, kind: str, ring: Any) -> None:
        options = {name: v for name, v in SMALL.get(kind, {}).items() if name != "loss"}
        reducer = AutoencoderTransformer(kind, options=options, epochs=60)
        back = reducer.inverse_transform(reducer.fit_transform(ring))
        assert np.square(back - ring).sum() < 0.7 * np.square(ring - ring.mean(axis=0)).sum()

    @pytest.mark.parametrize("kind", sorted(set(kinds_of("interactions")) - set(DENSE)))
    def test_every_other_kind_refuses_by_name(self, kind: str, ring: Any) -> None:
        with pytest.raises(ConfigError, match=f"{kind} takes interactions only"):
            AutoencoderTransformer(kind, options=SMALL.get(kind)).fit(ring)

    def test_one_seed_gives_one_result_and_seeds_nothing_global(self, ring: Any) -> None:
        before = torch.initial_seed(), np.random.get_state()[1].copy()  # noqa: NPY002
        first, second = (
            AutoencoderTransformer(epochs=3, random_state=5).fit_transform(ring) for _ in range(2)
        )
        other = AutoencoderTransformer(epochs=3, random_state=6).fit_transform(ring)
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)
        assert before[0] == torch.initial_seed()
        assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002

    def test_a_constant_column_comes_back(self, ring: Any) -> None:
        table = np.column_stack([ring, np.full(200, 7.0)])
        reducer = AutoencoderTransformer(epochs=100)
        back = reducer.inverse_transform(reducer.fit_transform(table))
        assert np.isfinite(back).all()
        assert back[:, -1] == pytest.approx(np.full(200, 7.0), abs=0.5)

    def test_features_out_are_named_after_the_class(self, ring: Any) -> None:
        reducer = AutoencoderTransformer(latent_dim=2, epochs=1).fit(ring)
        names = ["autoencodertransformer0", "autoencodertransformer1"]
        assert reducer.get_feature_names_out().tolist() == names

    def test_codes_of_another_width_are_refused(self, ring: Any) -> None:
        reducer = AutoencoderTransformer(latent_dim=2, epochs=1).fit(ring)
        with pytest.raises(RowsError, match="5 columns, the network 2"):
            reducer.inverse_transform(np.ones((1, 5)))

    def test_works_in_a_pipeline_a_grid_search_and_a_clone(self, ring: Any) -> None:
        side = (ring[:, 0] > np.median(ring[:, 0])).astype(int)
        steps = make_pipeline(AutoencoderTransformer(epochs=40), LogisticRegression())
        grid = {
            "autoencodertransformer__latent_dim": [1, 2],
            "autoencodertransformer__kind": DENSE[:1],
        }
        search = GridSearchCV(clone(steps), grid, cv=2).fit(ring, side)
        assert search.best_score_ > 0.8
        copy = clone(search.best_estimator_)
        assert copy.get_params()["autoencodertransformer__latent_dim"] in (1, 2)


class TestRecommender:
    def fitted(self) -> AutoencoderRecommender:
        options = {"hidden_dims": [24], "corruption_rate": 0.3}
        estimator = AutoencoderRecommender(
            latent_dim=8, epochs=150, learning_rate=0.02, options=options
        )
        return estimator.fit(CHECKERBOARD)

    def test_the_checkerboard_is_solved(self) -> None:
        item_nums, _ = self.fitted().recommend(CHECKERBOARD, 1)
        assert (item_nums[:, 0] == np.arange(20)).mean() >= 0.9

    def test_what_a_user_has_is_left_out_unless_wanted(self) -> None:
        estimator = self.fitted()
        item_nums, scores = estimator.recommend(CHECKERBOARD, 12)
        seen = CHECKERBOARD.toarray() > 0
        rows = np.arange(20)[:, None]
        assert not (seen[rows, item_nums] & (item_nums >= 0)).any()
        assert ((item_nums == -1) == np.isneginf(scores)).all()
        assert (item_nums[:, -1] == -1).all()  # nine seen of twenty leave eleven
        everything, _ = estimator.recommend(CHECKERBOARD, 20, exclude_seen=False)
        assert (np.sort(everything) == np.arange(20)).all()

    @pytest.mark.parametrize("kind", kinds_of("interactions"))
    def test_every_kind_recommends(self, kind: str) -> None:
        estimator = AutoencoderRecommender(kind, options=SMALL.get(kind), epochs=2)
        item_nums, _ = estimator.fit(CHECKERBOARD).recommend(CHECKERBOARD, 3)
        assert item_nums.shape == (20, 3)
        assert np.isfinite(estimator.predict(CHECKERBOARD)).all()

    def test_kinds_of_other_rows_are_refused_by_name(self) -> None:
        with pytest.raises(ConfigError, match="convolutional learns from images, not from inter"):
            AutoencoderRecommender("convolutional").fit(CHECKERBOARD)

    def test_rows_without_any_entry_teach_nothing(self) -> None:
        with pytest.raises(RowsError, match="nothing to learn"):
            AutoencoderRecommender().fit(sparse.csr_array((3, 5)))

    def test_the_matrix_handed_in_is_left_as_it_was(self) -> None:
        x = sparse.csr_array(CHECKERBOARD, dtype=np.float32, copy=True)
        x.data[0] = 0.0
        before = x.data.copy()
        AutoencoderRecommender(epochs=1).fit(x).recommend(x)
        assert np.array_equal(x.data, before)


ESTIMATORS = (AutoencoderTransformer, AutoencoderRecommender)


@pytest.mark.parametrize("estimator", ESTIMATORS)
class TestBadInput:
    def test_an_unknown_kind_lists_the_valid_ones_and_the_nearest(self, estimator: Any) -> None:
        with pytest.raises(ConfigError, match=r"contractive, .*'denoising'\?"):
            estimator("denoisign").fit(np.ones((3, 3)))

    def test_a_misspelt_option_lists_the_valid_ones_and_the_nearest(self, estimator: Any) -> None:
        with pytest.raises(ConfigError, match=r"'corruption_rate'\?"):
            estimator("denoising", options={"coruption_rate": 0.1}).fit(np.ones((3, 3)))

    def test_a_code_as_wide_as_its_input_is_refused(self, estimator: Any) -> None:
        with pytest.raises(ConfigError, match="at most 2"):
            estimator("undercomplete", latent_dim=3).fit(np.ones((4, 3)))

    @pytest.mark.parametrize("name", ["epochs", "learning_rate", "batch_size"])
    def test_an_impossible_parameter_is_named(self, estimator: Any, name: str) -> None:
        with pytest.raises(ConfigError, match=name):
            estimator(**{name: 0}).fit(np.ones((4, 3)))

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            (np.array([[1.0, np.nan], [1.0, 2.0]]), "contains NaN"),
            (np.array([[1.0, np.inf], [1.0, 2.0]]), "infinity"),
            (np.ones((0, 3)), "0 sample"),
            (np.ones((1, 3)), "1 sample"),
            (np.ones((3, 1)), "1 feature"),
        ],
        ids=["nan", "infinite", "no rows", "one row", "one column"],
    )
    def test_rows_that_cannot_be_used_are_named(
        self, estimator: Any, table: Any, words: str
    ) -> None:
        with pytest.raises(ValueError, match=words):
            estimator().fit(table)

    def test_rows_of_another_width_are_refused(self, estimator: Any) -> None:
        fitted = estimator(epochs=1).fit(np.eye(4))
        answer = fitted.transform if hasattr(fitted, "transform") else fitted.predict
        with pytest.raises(ValueError, match="3 features.*expecting 4"):
            answer(np.ones((2, 3)))


def test_the_recommender_refuses_negative_values() -> None:
    with pytest.raises(ValueError, match="Negative"):
        AutoencoderRecommender().fit(np.array([[1.0, -1.0], [1.0, 0.0]]))

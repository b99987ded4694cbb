"""That every named run on interactions trains as it is: on the lesson's five songs, and on a world
of two tastes.
"""

import pytest
import torch

from benchmarks.song_table import song_table
from pipelines.data.interactions import to_rows
from pipelines.data.splits import strong_generalisation
from pipelines.training.named import run_names
from pipelines.training.run_config import RunConfig, named_run, with_options
from pipelines.training.train import train
from tests.worlds import two_tastes

ON_INTERACTIONS = [name for name in run_names() if named_run(name).subject == "interactions"]
pytestmark = pytest.mark.parametrize("name", ON_INTERACTIONS)


def of_epochs(name: str, epochs: int) -> RunConfig:
    """The run, shortened; a search has as good as no time."""
    run = named_run(name)
    return with_options(run, epochs=epochs, budget_seconds=0.1 if run.searches else None)


def test_it_trains_on_the_song_table(name: str) -> None:
    split = strong_generalisation(song_table(), seed=1)
    trained = train(split, of_epochs(name, 2), on_progress=lambda _: None)
    assert split.test is None
    with torch.inference_mode():
        assert torch.isfinite(trained.network.reconstruct(to_rows(split.train))).all()


def test_it_beats_popularity_where_users_have_tastes(name: str) -> None:
    split = strong_generalisation(two_tastes(150), seed=1)
    config = of_epochs(name, 30)
    if config.kind == "rating":
        pytest.skip("every rating of this world is 1: there is nothing to predict")
    trained = train(split, config, on_progress=lambda _: None)
    assert trained.test is not None
    assert trained.popularity is not None
    assert trained.test.mean("ndcg@20") > 1.2 * trained.popularity.mean("ndcg@20")

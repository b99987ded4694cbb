"""What a run's history says of a training in phases."""

from itertools import groupby

from pipelines.data.splits import strong_generalisation
from pipelines.training.run_config import run_config_of
from pipelines.training.train import train
from tests.worlds import two_tastes


def test_each_phase_of_a_stack_is_in_the_history_and_only_the_last_is_judged() -> None:
    config = run_config_of(
        {
            "name": "small-stack",
            "kind": "stacked",
            "network": {"hidden_dims": [16], "latent_dim": 8, "pretraining_epochs": 2},
            "fit": {"epochs": 3, "batch_size": 20},
        }
    )
    split = strong_generalisation(two_tastes(120), seed=1)
    epochs = train(split, config, on_progress=lambda _: None).epochs
    phases = [(phase, len(list(group))) for phase, group in groupby(e.phase for e in epochs)]
    assert phases == [("pretrain-1", 2), ("pretrain-2", 2), ("fine-tune", 3)]
    assert [epoch.metric is not None for epoch in epochs] == [False] * 4 + [True] * 3
    assert [epoch.epoch for epoch in epochs] == list(range(1, 8))

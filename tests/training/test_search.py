"""The search for members of a blend: what it writes down gives the same network again."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models.autoencoders.joint import Member
from pipelines.data.splits import Split, strong_generalisation
from pipelines.errors import InvalidInput
from pipelines.runs.files import RunFiles
from pipelines.training import search
from pipelines.training.blending import blend_weights
from pipelines.training.checkpoints import InMemory
from pipelines.training.fit import Fitted
from pipelines.training.fit_run import fit_run
from pipelines.training.members import member_run
from pipelines.training.progress import Progress
from pipelines.training.run_config import RunConfig, named_run, run_config_of, with_options
from tests.worlds import two_tastes

SPLIT = strong_generalisation(two_tastes(120), 42)
SMALL = ("edlae", "elsa", "mult-dae")


def auto(budget: float = 3.0, candidates: tuple[str, ...] = SMALL, epochs: int = 8) -> RunConfig:
    values = named_run("auto").values()
    values["search"] = {"budget_seconds": budget, "candidates": list(candidates)}
    values["fit"]["epochs"] = epochs
    return run_config_of(values)


def nothing(_progress: Progress) -> None:
    pass


def fitted(config: RunConfig, split: Split = SPLIT, checkpoints: Any = None) -> Fitted:
    return fit_run(split, config, checkpoints=checkpoints or InMemory(), on_progress=nothing)


def assert_same(first: Fitted, second: Fitted) -> None:
    assert first.run == second.run
    assert first.epochs == second.epochs
    weights = second.network.state_dict()
    assert set(weights) == set(first.network.state_dict())
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


def test_what_it_wrote_down_gives_the_same_network_without_a_search() -> None:
    found = fitted(auto())
    assert found.run.network["members"]
    assert not found.run.searches
    again = run_config_of(found.run.values())
    assert again == found.run
    assert_same(fitted(again), found)


def test_the_table_tells_of_every_candidate() -> None:
    found = fitted(auto())
    table = {trial["run"]: trial for trial in found.run.trials}
    assert list(table) == list(SMALL)
    assert all(trial["metric"] > 0 for trial in table.values())
    assert table["edlae"]["epochs"] == 0
    assert 1 <= table["elsa"]["epochs"] <= 8
    weights = [trial["weight"] for trial in table.values() if trial["weight"]]
    assert sum(weights) == pytest.approx(1)
    assert weights == pytest.approx(found.run.network["weights"])


def test_each_candidate_gets_an_epoch_however_little_time_there_is() -> None:
    found = fitted(auto(budget=1e-6))
    assert found.run.trials[0]["outcome"] == "finished"
    assert {trial["outcome"] for trial in found.run.trials[1:]} == {"stopped", "dropped"}
    assert all(trial["metric"] is not None for trial in found.run.trials)


def test_time_goes_to_the_better_half(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(search.time, "monotonic", lambda: float(next(seconds)))
    found = fitted(auto(budget=100, candidates=("elsa", "mult-dae", "mult-vae"), epochs=500))
    by_epochs = sorted(found.run.trials, key=lambda trial: -trial["epochs"])
    assert by_epochs[0]["epochs"] > by_epochs[1]["epochs"] > by_epochs[2]["epochs"] >= 1


def test_what_does_not_fit_is_in_the_table_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.training.fit.available_memory", lambda: 1)
    found = fitted(auto())
    refused = found.run.trials[0]
    assert refused["outcome"] == "refused"
    assert "GB" in refused["detail"]
    with pytest.raises(InvalidInput, match=r"None of the candidates.*GB"):
        fitted(auto(candidates=("edlae",)))


def test_an_interrupted_search_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    files, seen = RunFiles(tmp_path, "r"), []

    def stop_at_elsa(progress: Progress) -> None:
        if progress.phase.startswith("elsa") and progress.epoch > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_run(SPLIT, auto(60), checkpoints=files, on_progress=stop_at_elsa)
    found = fit_run(SPLIT, auto(60), checkpoints=files, on_progress=lambda p: seen.append(p))
    assert not [progress for progress in seen if progress.phase.startswith("edlae")]
    assert min(p.epoch for p in seen if p.phase.startswith("elsa") and p.epoch) == 3
    assert_same(fitted(found.run), found)
    assert_same(fitted(auto(60), checkpoints=files), found)  # noted: no second search


def test_where_nobody_judges_the_first_that_fits_is_taken() -> None:
    alone = replace(SPLIT, validation=None, test=None)
    found = fitted(auto(), alone)
    assert [member["kind"] for member in found.run.network["members"]] == ["linear"]
    assert_same(fitted(found.run, alone), found)


def test_weights_are_those_that_rank_best_together() -> None:
    assert SPLIT.validation is not None
    good = fitted(named_run("edlae")).network
    bad = fitted(with_options(named_run("mult-dae"), epochs=1)).network
    assert blend_weights([good], SPLIT.validation) == (1.0,)
    weights = blend_weights([bad, good], SPLIT.validation)
    assert weights[1] > weights[0]
    assert sum(weights) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"search": {"budget_seconds": 0}}, "budget_seconds"),
        ({"search": {"candidates": []}}, "at least one"),
        ({"search": {"candidates": ["edla"]}}, "edlae"),
        ({"search": {"candidates": ["edlae", "joint"]}}, "joint, of kind joint, cannot"),
        ({"search": {"candidates": ["autorec-item"]}}, "cannot be a member"),
        ({"search": {"candidates": ["convolutional"]}}, "cannot be a member"),
        ({"search": {"budget": 3}}, "budget_seconds"),
    ],
)
def test_an_impossible_search_is_refused(values: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        run_config_of({**named_run("auto").values(), **values})


def test_a_blend_without_members_needs_a_search() -> None:
    with pytest.raises(InvalidInput, match="search"):
        run_config_of({"name": "x", "kind": "joint", "network": {"members": []}})


def test_only_a_search_has_a_budget() -> None:
    with pytest.raises(InvalidInput, match="budget"):
        with_options(named_run("edlae"), budget_seconds=60)
    assert with_options(named_run("auto"), budget_seconds=60).search.budget_seconds == 60


def test_what_was_dropped_stays_so_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(search.time, "monotonic", lambda: float(next(seconds)))
    files, candidates = RunFiles(tmp_path, "r"), ("elsa", "mult-dae", "mult-vae")
    config = auto(budget=100, candidates=candidates, epochs=500)

    def dropped() -> list[str]:
        trials = (files.load_notes() or {}).get("trials", [])
        return [trial["run"] for trial in trials if trial["outcome"] == "dropped"]

    def stop_after_a_halving(_progress: Progress) -> None:
        if dropped():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_run(SPLIT, config, checkpoints=files, on_progress=stop_after_a_halving)
    before, seen = dropped(), []
    assert len(before) == 1
    found = fit_run(
        SPLIT, config, checkpoints=files, on_progress=lambda p: seen.append(p.phase.split(":")[0])
    )
    assert before[0] not in seen
    assert set(seen) & (set(candidates) - set(before))
    outcomes = {trial["run"]: trial["outcome"] for trial in found.run.trials}
    assert outcomes[before[0]] == "dropped"


def test_a_blend_cuts_no_member_short_unless_it_is_asked_to() -> None:
    members = [
        {"kind": "denoising", "fit": {"epochs": 400}},
        {"kind": "linear", "network": {"form": "elsa"}, "fit": {"epochs": 30}},
    ]
    values = {"name": "x", "kind": "joint", "network": {"members": members}}

    def epochs(config: RunConfig) -> list[int]:
        return [member_run(config, Member(**member)).fit.epochs for member in members]

    assert epochs(run_config_of(values)) == [400, 30]
    assert epochs(run_config_of({**values, "fit": {"epochs": 50}})) == [50, 30]
    assert epochs(with_options(run_config_of(values), epochs=20)) == [20, 20]
    most = max(named_run(name).fit.epochs for name in named_run("auto").search.candidates)
    assert named_run("auto").fit.epochs == most


@pytest.mark.parametrize(
    ("member", "pointer", "detail"),
    [
        ({"fit": {"epochz": 3}}, "fit/epochz", "'epochs'"),
        ({"fit": {"learning_rate": math.nan}}, "fit/learning_rate", "finite"),
        ({"fit": {"optimiser": "adam"}}, "fit/optimiser", "adamw"),
        ({"network": {"latent_dims": 3}}, "network/latent_dims", "'latent_dim'"),
        ({"kind": "deap"}, "kind", "'deep'"),
    ],
)
def test_a_members_options_are_refused_before_anything_is_trained(
    member: dict[str, Any], pointer: str, detail: str
) -> None:
    members = [{"kind": "linear"}, {"kind": "denoising", **member}]
    with pytest.raises(InvalidInput, match=detail) as refused:
        run_config_of({"name": "x", "kind": "joint", "network": {"members": members}})
    assert refused.value.errors[0].pointer == f"/network/members/1/{pointer}"


def test_joint_is_recvae_and_all_of_blend() -> None:
    recvae, *solved = named_run("joint").network["members"]
    asked = named_run("recvae")
    assert run_config_of({"name": "recvae", "seed": asked.seed, **recvae}) == asked
    assert solved == named_run("blend").network["members"]


def test_only_runs_that_can_be_members_are_offered() -> None:
    values = {"name": "x", "kind": "joint", "network": {"members": [{"run": "joynt"}]}}
    with pytest.raises(InvalidInput) as refused:
        run_config_of(values)
    offered = set(re.findall(r"[\w-]+", refused.value.detail))
    assert "recvae" in offered
    assert not offered & {"auto", "autorec-user", "blend", "convolutional", "joint"}


def test_a_member_that_names_a_run_is_all_that_the_run_says() -> None:
    members = [{"run": "mult-dae"}, {"kind": "linear"}]
    values = {"name": "x", "kind": "joint", "network": {"members": members}}
    config = run_config_of(values)
    dae = named_run("mult-dae")
    assert run_config_of(config.values()) == config  # nothing is named any more
    run = member_run(config, Member(**config.network["members"][0]))
    assert (run.network, run.fit) == (dae.network, replace(dae.fit, device="cpu"))


@pytest.mark.parametrize(
    ("member", "pointer", "detail"),
    [
        ({"run": "mult-dea"}, "members/1/run", "mult-dae"),
        ({"run": ["wmf"]}, "members/1/run", "wmf"),
        ({"run": "wmf", "fit": {"epochs": 2}}, "members/1/run", "leave out fit or run"),
        ({"run": "blend"}, "members", "cannot be of kind 'joint'"),
        ({"run": "autorec-user"}, "members", "cannot be of kind 'rating'"),
    ],
)
def test_a_run_that_cannot_be_a_member_is_refused(
    member: dict[str, Any], pointer: str, detail: str
) -> None:
    members = [{"kind": "linear"}, member]
    with pytest.raises(InvalidInput, match=detail) as refused:
        run_config_of({"name": "x", "kind": "joint", "network": {"members": members}})
    assert refused.value.errors[0].pointer == f"/network/{pointer}"

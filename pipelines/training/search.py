"""Which networks to blend, found within a time: successive halving by the validation users.

Every candidate, a named run, is given an equal share of time; of those that are not done the worse
half is stopped, and the others go on from where they were with more (Jamieson & Talwalkar 2016,
"Non-stochastic best arm identification"). Whatever was fitted is then offered to the blend, also
what was stopped: a weaker network may see what the others miss.

How far a candidate comes depends on the clock. What is written down does not: the members with
their epochs and numbers, from which the same blend is fitted again.
"""

import math
import time
from dataclasses import asdict, dataclass, replace

from models.autoencoders.joint import Member
from models.catalog import config_values
from pipelines.data.splits import Split
from pipelines.errors import InvalidInput
from pipelines.training.blending import blend_weights
from pipelines.training.checkpoints import Checkpoint, Checkpoints
from pipelines.training.fit import Fitted, fit, fit_so_far, up_to_best
from pipelines.training.members import member_name, member_run, settled_joint
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.training.yardstick import yardstick_of


@dataclass(frozen=True)
class Trial:
    """What became of one candidate. `metric` is validation NDCG@100, `weight` its part of the
    blend; outcome: `waiting`, `stopped`, `dropped` (stopped for good), `finished` or `refused`.
    """

    run: str
    outcome: str = "waiting"
    detail: str = ""
    epochs: int = 0
    metric: float | None = None
    seconds: float = 0.0
    weight: float = 0.0


class TimeIsUp(Exception):
    """A candidate used up its share of time; its last epoch is saved."""


def search(
    split: Split, config: RunConfig, *, checkpoints: Checkpoints, on_progress: OnProgress
) -> RunConfig:
    """The run of a blend with its members, their weights and the table of what was tried.

    A search that was interrupted goes on from what it noted. Raises InvalidInput when none of the
    candidates can be fitted.
    """
    notes = checkpoints.load_notes() or {}
    if "settled" in notes:
        return run_config_of(notes["settled"])
    trials = [Trial(**trial) for trial in notes.get("trials", [])]
    halving = _Halving(split, config, checkpoints, on_progress, trials)
    halving.run()
    settled = _settle(split, config, checkpoints, halving, on_progress)
    checkpoints.save_notes({"settled": settled.values()})
    return settled


class _Halving:
    """The rounds of the search, noted after each share of time."""

    def __init__(
        self,
        split: Split,
        config: RunConfig,
        checkpoints: Checkpoints,
        on_progress: OnProgress,
        trials: list[Trial],
    ) -> None:
        assert config.search is not None
        self._split = split
        self._config = config
        self._checkpoints = checkpoints
        self._on_progress = on_progress
        self.trials = trials or [Trial(name) for name in config.search.candidates]
        self._budget = config.search.budget_seconds

    def run(self) -> None:
        """Give out the time."""
        if self._split.validation is None:
            self._first_that_fits()
            return
        while (open_nums := self._open()) and (self._left > 0 or self._unfitted(open_nums)):
            rounds = math.ceil(math.log2(len(open_nums))) + 1
            share = max(self._left, 0) / rounds / len(open_nums)
            for num in open_nums:
                self._go_on(num, share)
            self._drop_worse_half()

    def fitted(self, num: int) -> Fitted | None:
        """What a candidate came to; None where it was refused."""
        if self.trials[num].outcome == "refused":
            return None
        return fit_so_far(self._split, self.candidate(num), self._part(num))

    def candidate(self, num: int) -> RunConfig:
        """The run of a candidate, as a member would be fitted."""
        named = named_run(self.trials[num].run)
        return member_run(self._config, Member(named.kind, named.network, config_values(named.fit)))

    @property
    def _left(self) -> float:
        return self._budget - sum(trial.seconds for trial in self.trials)

    def _open(self) -> list[int]:
        return [num for num, t in enumerate(self.trials) if t.outcome in ("waiting", "stopped")]

    def _unfitted(self, nums: list[int]) -> bool:
        """Whether one has not had its first share: each gets one, however little time there is."""
        return any(self.trials[num].outcome == "waiting" for num in nums)

    def _drop_worse_half(self) -> None:
        ranked = sorted(self._open(), key=lambda num: -(self.trials[num].metric or 0.0))
        for num in ranked[math.ceil(len(ranked) / 2) :]:
            self.trials[num] = replace(self.trials[num], outcome="dropped")
        self._save()

    def _first_that_fits(self) -> None:
        """Where nobody judges there is no choosing: the first candidate, fitted to its end."""
        for num in range(len(self.trials)):
            self._go_on(num, math.inf)
            if self.trials[num].outcome == "finished":
                return

    def _go_on(self, num: int, share: float) -> None:
        """Let one candidate train for so many seconds more, and note what it came to."""
        started = time.monotonic()
        watched = self._watched(self.trials[num].run, started + share)
        outcome, detail = "finished", ""
        try:
            fit(
                self._split,
                self.candidate(num),
                checkpoints=self._part(num),
                on_progress=watched,
            )
        except TimeIsUp:
            outcome = "stopped"
        except InvalidInput as error:
            outcome, detail = "refused", error.detail
        except FloatingPointError as error:
            outcome, detail = "refused", str(error)
        self._note(num, outcome, detail, time.monotonic() - started)

    def _note(self, num: int, outcome: str, detail: str, seconds: float) -> None:
        checkpoint = self._part(num).load()
        self.trials[num] = replace(
            self.trials[num],
            outcome=outcome,
            detail=detail,
            epochs=len(checkpoint.epochs) if checkpoint else 0,
            seconds=round(self.trials[num].seconds + seconds, 3),
        )
        self.trials[num] = replace(self.trials[num], metric=self._metric(num))
        self._save()

    def _save(self) -> None:
        self._checkpoints.save_notes({"trials": [asdict(trial) for trial in self.trials]})

    def _metric(self, num: int) -> float | None:
        """How well a candidate does at its best for the users who judge."""
        fitted, judges = self.fitted(num), self._split.validation
        if fitted is None or judges is None:
            return None
        judged = [epoch.metric for epoch in fitted.epochs if epoch.metric is not None]
        if judged:
            return max(judged)
        yardstick = yardstick_of(fitted.network)
        return yardstick.worth(yardstick.scorer(fitted.network), judges)

    def _watched(self, name: str, deadline: float) -> OnProgress:
        """Reports the search as a whole; raises TimeIsUp between two epochs after the deadline."""
        before = self._budget - self._left
        began: list[int] = []

        def report(progress: Progress) -> None:
            if progress.epoch and not began:
                began.append(progress.epoch)
            if began and progress.epoch > began[0] and time.monotonic() > deadline:
                raise TimeIsUp
            done = min(int(before), int(self._budget))
            phase = f"{name}: {progress.phase}"
            self._on_progress(replace(progress, phase=phase, done=done, total=int(self._budget)))

        return report

    def _part(self, num: int) -> Checkpoints:
        return self._checkpoints.part(f"trial-{num}")


def _settle(
    split: Split,
    config: RunConfig,
    checkpoints: Checkpoints,
    halving: _Halving,
    on_progress: OnProgress,
) -> RunConfig:
    """Weigh what was fitted, and leave those that count as members that are done."""
    found = {num: fitted for num in range(len(halving.trials)) if (fitted := halving.fitted(num))}
    if not found:
        reasons = "; ".join(f"{trial.run}: {trial.detail}" for trial in halving.trials)
        raise InvalidInput(f"None of the candidates could be fitted. {reasons}")
    on_progress(Progress("blending", 0, 1))
    weights: tuple[float, ...] = (1.0,)
    if split.validation is not None:
        weights = blend_weights([fitted.network for fitted in found.values()], split.validation)
    by_num = dict(zip(found, weights, strict=True))
    members = [num for num, weight in by_num.items() if weight > 0]
    for place, num in enumerate(members):
        fitted = found[num]
        epochs, weights_of = up_to_best(fitted.epochs), fitted.network.state_dict()
        done = Checkpoint(epochs, 0, 0, None, None, weights_of, fitted.network.chosen)
        checkpoints.part(member_name(place)).save(done)
    table = [
        asdict(replace(trial, weight=by_num.get(num, 0.0)))
        for num, trial in enumerate(halving.trials)
    ]
    settled = settled_joint(
        config, [found[num].settled for num in members], tuple(by_num[num] for num in members)
    )
    return replace(settled, trials=tuple(table))

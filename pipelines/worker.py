"""The worker: carries out the runs that are queued, fires schedules and embeds images that were
imported. Serves no requests.

Of all workers on a database one leads, the others stand by and take over when it is gone. A
worker that is stopped is no different from one that crashed: the next goes on from the last
finished step, within the fit from the last epoch.
"""

import time
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

from pipelines.durable import DurableRuns
from pipelines.images.upkeep import ImageUpkeep
from pipelines.registry.store import Store
from pipelines.runs.folders import remove_files, runs_with_files
from pipelines.runs.life import record_dead
from pipelines.runs.locks import Lock, leadership_of
from pipelines.runs.requests import OPEN
from pipelines.runs.schedules import fire_counted, fire_drifted, fire_due
from pipelines.settings import Settings
from pipelines.storage import runs
from pipelines.storage.engine import AWAY, reading, writing
from pipelines.storage.tables import EPOCH
from pipelines.workflows import carry_out, subject_of

INTERVAL = 1.0
"""Seconds between two looks at what is queued and due."""
SLOW_INTERVAL = 10.0
"""Seconds between two counts of the interactions, for schedules that wait for new ones, between two
looks at drift, for those that wait for it, and between two for runs whose own process died.
"""
AWAY_SECONDS = 5.0
"""Between two tries while the database is away."""

log = structlog.get_logger()


class Worker:
    """One worker process. It ends by being stopped."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._home = settings.home
        self._store = Store(settings.store_url)
        self._engine = engine
        self._looked_at = EPOCH
        self._images = ImageUpkeep(engine, self._store)

    def run(self) -> None:
        """Wait to lead, then lead until the lead is lost with the database.

        The process is to be begun anew then: a run is under way in another of its threads.
        """
        leadership = leadership_of(self._engine)
        self._wait_to_lead(leadership)
        log.info("this worker leads")
        self._remove_left_files()
        durable = DurableRuns(self._engine, carry_out=self._carry_out, remove=self._remove)
        handed_over: set[str] = set()
        while leadership.is_held():
            more = False
            try:
                self._look_at_clock()
                self._look_at_open_runs(durable, handed_over)
                more = self._images.embed_some()
            except AWAY as error:
                log.warning("the database is away", error=str(error.orig))
            if not more:
                time.sleep(INTERVAL)

    def _wait_to_lead(self, leadership: Lock) -> None:
        told = False
        while not leadership.acquire():
            if not told:
                log.info("another worker leads; standing by")
            told = True
            time.sleep(INTERVAL)

    def _look_at_clock(self) -> None:
        """Fire schedules; now and then, say of runs that their process died."""
        now = datetime.now(UTC)
        fire_due(self._engine, now=now)
        if (now - self._looked_at).total_seconds() >= SLOW_INTERVAL:
            self._looked_at = now
            fire_counted(self._engine, now=now)
            fire_drifted(self._engine, now=now)
            for run_id in record_dead(self._engine, self._home):
                log.warning("the process of a run died", run_id=run_id)

    def _look_at_open_runs(self, durable: DurableRuns, handed_over: set[str]) -> None:
        """Hand over what is queued; say so of runs that will never go on."""
        with reading(self._engine) as session:
            open_runs = runs.runs_in(session, statuses=OPEN)
        for run in open_runs:
            if run.status == "running":
                if durable.is_lost(run.run_id):
                    self._record_lost(run.run_id)
            elif run.run_id not in handed_over:
                durable.hand_over(run.run_id, subject=subject_of(run.settings))
                handed_over.add(run.run_id)

    def _record_lost(self, run_id: str) -> None:
        with writing(self._engine) as session:
            runs.update_run(
                session,
                run_id=run_id,
                status="failed",
                error="The worker died each time it carried this run out; its log says how.",
                finished_at=datetime.now(UTC),
            )

    def _carry_out(self, step: str, run_id: str) -> bool:
        log.info("step begins", step=step, run_id=run_id)
        while True:
            try:
                return carry_out(self._engine, self._store, self._home, step=step, run_id=run_id)
            except AWAY as error:
                log.warning("the database is away", step=step, error=str(error.orig))
                time.sleep(AWAY_SECONDS)

    def _remove(self, run_id: str) -> None:
        remove_files(self._home, run_id)

    def _remove_left_files(self) -> None:
        """Files of runs that are over: of a `hourglass train` that was killed, say."""
        with reading(self._engine) as session:
            open_runs = {run.run_id for run in runs.runs_in(session, statuses=OPEN)}
        for run_id in runs_with_files(self._home) - open_runs:
            self._remove(run_id)

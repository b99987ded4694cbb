"""Runs as DBOS workflows: what is done is not repeated, whatever becomes of the process.

The only module that knows DBOS. Its tables are beside ours: in a file of their own with SQLite,
in a schema of their own with PostgreSQL. What a run does is in `pipelines/workflows.py`.
"""

from collections.abc import Callable, Sequence

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import Engine

from pipelines.runs.chains import CHAINS
from pipelines.runs.locks import beside

EXECUTOR = "worker"
"""The same for every worker: the one that leads takes over what the one before had begun."""
VERSION = "1"
"""Of the steps. A run is only gone on with by workers of the version that began it."""
SCHEMA = "hourglass_worker"
MAX_ATTEMPTS = 50
"""How often a run is begun that each time takes the process down with it."""
POLLING_SECONDS = 0.25

_LOST = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

CarryOut = Callable[[str, str], bool]
"""Carries out the step of this name of the run of this id; False: the rest is not wanted."""
Remove = Callable[[str], None]
"""Removes what the run of this id left."""


class DurableRuns:
    """The runs of one database, of each queue one at a time, in the order in which they were handed
    over.

    From its making on, interrupted runs go on. One a process, in the worker that leads.
    """

    def __init__(self, engine: Engine, *, carry_out: CarryOut, remove: Remove) -> None:
        DBOS(config=_config(engine))

        names = {chain.workflow: [name for name, _ in chain.steps] for chain in CHAINS.values()}
        self._workflows = {
            workflow: _workflow(workflow, step_names, carry_out, remove)
            for workflow, step_names in names.items()
        }
        DBOS.launch()
        for chain in CHAINS.values():
            DBOS.register_queue(
                chain.queue, global_concurrency=1, polling_interval_sec=POLLING_SECONDS
            )

    def hand_over(self, run_id: str, *, subject: str) -> None:
        """Let the run begin when those of its queue before it are over; a second time changes
        nothing.
        """
        chain = CHAINS[subject]
        with SetWorkflowID(run_id):
            DBOS.enqueue_workflow(chain.queue, self._workflows[chain.workflow], run_id)

    def is_lost(self, run_id: str) -> bool:
        """Whether the run will never go on: it took the process down too often."""
        status = DBOS.get_workflow_status(run_id)
        return status is not None and status.status in _LOST


def _workflow(
    workflow: str, step_names: Sequence[str], carry_out: CarryOut, remove: Remove
) -> Callable[[str], None]:
    @DBOS.workflow(name=workflow, max_recovery_attempts=MAX_ATTEMPTS)
    def chain(run_id: str) -> None:
        for name in step_names:
            if not DBOS.run_step({"name": name}, carry_out, name, run_id):
                break
        DBOS.run_step({"name": "remove-files"}, remove, run_id)

    return chain


def _config(engine: Engine) -> DBOSConfig:
    url = engine.url.render_as_string(hide_password=False)
    if engine.dialect.name == "sqlite":
        url = f"sqlite:///{beside(engine, '-worker.db')}"
    return DBOSConfig(
        name="hourglass",
        system_database_url=url,
        dbos_system_schema=SCHEMA,
        serializer=DBOSPortableJSONSerializer(),
        executor_id=EXECUTOR,
        application_version=VERSION,
        use_listen_notify=False,
        log_level="WARNING",
    )

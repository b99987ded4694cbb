"""The members of a blend as runs of their own, and back. Not their fitting: see `fit_run.py`."""

from dataclasses import replace

from models.autoencoders.joint import Member
from models.catalog import config_values
from pipelines.training.run_config import RunConfig, run_config_of


def member_name(num: int) -> str:
    """The name of the part in which the fit of a member is kept."""
    return f"member-{num}"


def member_run(config: RunConfig, member: Member) -> RunConfig:
    """The run of one member: seed, data, threads and device of the blend's, at most its epochs."""
    values = config.values()
    fit_values = {**member.fit, "threads": config.fit.threads, "device": config.fit.device}
    run = run_config_of(
        {**values, "kind": member.kind, "network": member.network, "fit": fit_values}
    )
    epochs = min(run.fit.epochs, config.fit.epochs)
    return replace(run, fit=replace(run.fit, epochs=epochs))


def settled_joint(
    config: RunConfig, members: list[RunConfig], weights: tuple[float, ...] | None
) -> RunConfig:
    """The run of a blend of settled members."""
    parts = [
        {"kind": each.kind, "network": dict(each.network), "fit": config_values(each.fit)}
        for each in members
    ]
    network = {"members": parts, "weights": None if weights is None else list(weights)}
    return run_config_of({**config.values(), "network": network})

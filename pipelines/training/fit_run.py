"""Fitting what a run asks for: one network, or the members of a blend one after another.

Where a run leaves its members open, they are searched first: see `search.py`.
"""

from dataclasses import replace

from models.autoencoders.joint import Joint, JointConfig
from models.catalog import make_config
from pipelines.data.splits import Split
from pipelines.training.blending import blend_weights
from pipelines.training.checkpoints import Checkpoints
from pipelines.training.fit import Fitted, check_device, fit
from pipelines.training.members import member_name, member_run, settled_joint
from pipelines.training.progress import OnProgress, Progress
from pipelines.training.run_config import RunConfig
from pipelines.training.search import search


def fit_run(
    split: Split, config: RunConfig, *, checkpoints: Checkpoints, on_progress: OnProgress
) -> Fitted:
    """Fit from the last checkpoints, or from the beginning; for the errors see `fit`."""
    if config.kind != "joint":
        return fit(split, config, checkpoints=checkpoints, on_progress=on_progress)
    check_device(config)  # before hours of what needs none
    if config.searches:
        config = search(split, config, checkpoints=checkpoints, on_progress=on_progress)
    return _fit_joint(split, config, checkpoints, on_progress)


def _fit_joint(
    split: Split, config: RunConfig, checkpoints: Checkpoints, on_progress: OnProgress
) -> Fitted:
    """Every member by itself, then their weights by the validation users."""
    joint = make_config("joint", config.network)
    assert isinstance(joint, JointConfig)
    runs = [member_run(config, member) for member in joint.parts]
    members = [
        fit(split, run, checkpoints=checkpoints.part(member_name(num)), on_progress=on_progress)
        for num, run in enumerate(runs)
    ]
    networks = [member.network for member in members]
    weights = joint.weights
    if weights is None and split.validation is not None:
        on_progress(Progress("blending", 0, 1))
        weights = blend_weights(networks, split.validation)
    network = Joint(networks, weights, n_items=len(split.vocabulary))
    epochs = tuple(
        replace(epoch, phase=f"{member.run.kind} {num}: {epoch.phase}")
        for num, member in enumerate(members)
        for epoch in member.epochs
    )
    settled = settled_joint(config, [member.settled for member in members], weights)
    return Fitted(network.eval(), epochs, config, settled)

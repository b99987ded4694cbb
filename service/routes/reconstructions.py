"""Reconstructions: what a row should look like."""

from apiflask import APIBlueprint

from pipelines.predictor.reconstruct import (
    Reconstruction,
    reconstruct_history,
    reconstruct_user,
)
from service.context import context
from service.schemas.reconstructions import ReconstructionAnswer, ReconstructionsBody

bp = APIBlueprint("reconstructions", __name__, url_prefix="/v1", tag="Reconstructions")

EXAMPLE = {"history": ["song-3", "song-4"]}


@bp.post("/reconstructions")
@bp.input(ReconstructionsBody, arg_name="body", example=EXAMPLE)
@bp.output(ReconstructionAnswer)
@bp.doc(responses={404: "There is no such user"})
def reconstruct(body: ReconstructionsBody) -> Reconstruction:
    """Reconstruct a row

    For a `user_id` or a `history`: what is observed of each item, what the network expects, and
    how far apart they are. Items missing from the row count too.
    """
    predictor = context().active.get()
    with context().reading() as session:
        if body.user_id is not None:
            return reconstruct_user(session, predictor, user_id=body.user_id, n=body.n)
        return reconstruct_history(session, predictor, history=body.history or [], n=body.n)

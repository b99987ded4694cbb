"""What to recommend: the network's ranking of a history, popular items where it has none."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from pipelines.predictor.histories import History, posted_history, stored_history
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor, Ranked, Which
from pipelines.storage.interactions import seen_by
from pipelines.storage.items import visible_items

MARGIN = 50
"""Ranks asked for beyond n at first, since some items may be hidden or deleted by now."""


@dataclass(frozen=True)
class Recommendation:
    """One item of a list; the score is a logit, or for popular items the number of users.

    `cold`: the network does not know the item, its content gave the score.
    """

    item_id: str
    score: float
    title: str | None
    cold: bool = False


@dataclass(frozen=True)
class Recommendations:
    """A list, best first. `strategy` is `model` or `popularity`; `ignored` had no influence."""

    recommendations: tuple[Recommendation, ...]
    artifact_id: str | None
    strategy: str
    ignored: tuple[str, ...]


def recommend_for_history(
    session: Session,
    predictor: Predictor | None,
    popularity: Popularity,
    *,
    history: Sequence[str],
    n: int,
    exclude_ids: Collection[str] = (),
    exclude_seen: bool = True,
    items: Which = "all",
) -> Recommendations:
    """For a history sent with the request: no stored user, no retraining."""
    folded_in = (
        posted_history(predictor, history)
        if predictor
        else History([], tuple(dict.fromkeys(history)))
    )
    excluded = {*exclude_ids, *(history if exclude_seen else ())}
    return _recommend(session, predictor, popularity, folded_in, excluded, n, items)


def recommend_for_user(
    session: Session,
    predictor: Predictor | None,
    popularity: Popularity,
    *,
    user_id: str,
    n: int,
    exclude_ids: Collection[str] = (),
    exclude_seen: bool = True,
    items: Which = "all",
) -> Recommendations:
    """For a stored user; an unknown one has no history and gets popular items.

    `exclude_seen` leaves out every item of the user's interactions, those too that do not count
    as positive.
    """
    history = stored_history(session, predictor, user_id) if predictor else History([], ())
    seen = seen_by(session, user_id=user_id) if exclude_seen else ()
    return _recommend(session, predictor, popularity, history, {*exclude_ids, *seen}, n, items)


def _recommend(
    session: Session,
    predictor: Predictor | None,
    popularity: Popularity,
    history: History,
    excluded: set[str],
    n: int,
    items: Which,
) -> Recommendations:
    if predictor is None or not (history.item_nums or items == "cold"):
        ranking = _popular(session, predictor, popularity, excluded, items)
        best = first_visible(session, lambda depth: ranking[:depth], n)
        return Recommendations(best, None, "popularity", history.ignored)
    nums = predictor.nums(excluded)
    best = first_visible(
        session,
        lambda depth: predictor.rank(
            history.item_nums, excluded=nums, n=depth, weights=history.weights, items=items
        ),
        n,
    )
    if items != "warm":
        places = predictor.cold.places
        best = tuple(replace(row, cold=row.item_id in places) for row in best)
    return Recommendations(best, predictor.artifact_id, "model", history.ignored)


def _popular(
    session: Session,
    predictor: Predictor | None,
    popularity: Popularity,
    excluded: set[str],
    items: Which,
) -> Ranked:
    """The ranking by users. Without a predictor no item is warm, and none is cold."""
    ranking = [pair for pair in popularity.ranking(session) if pair[0] not in excluded]
    if items == "all":
        return ranking
    return [p for p in ranking if predictor and predictor.vocabulary.num(p[0]) is not None]


def first_visible(
    session: Session, ranked: Callable[[int], Ranked], n: int
) -> tuple[Recommendation, ...]:
    """The first n of a ranking that are in the catalogue and not hidden.

    `ranked(depth)` gives the best `depth`; it is asked again, deeper, only when too few are left.
    """
    depth = n + MARGIN
    while True:
        candidates = ranked(depth)
        visible = _described(session, candidates)
        if len(visible) >= n or len(candidates) < depth:
            return tuple(visible[:n])
        depth *= 4


def _described(session: Session, ranked: Iterable[tuple[str, float]]) -> list[Recommendation]:
    pairs = list(ranked)
    titles = visible_items(session, item_ids=[item_id for item_id, _ in pairs])
    return [Recommendation(i, score, titles[i]) for i, score in pairs if i in titles]

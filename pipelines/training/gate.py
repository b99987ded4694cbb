"""Whether a candidate may go live: better than popularity, and no worse than what is live.

It compares per-user figures that both sides earned on the same held-out users; it neither
evaluates nor promotes.
"""

from dataclasses import dataclass

from pipelines.training.evaluate import RMSE, Evaluation, standard_error


@dataclass(frozen=True)
class Verdict:
    """The decision and its reasons, in sentences."""

    promote: bool
    reasons: tuple[str, ...]


def judge(
    candidate: Evaluation | None, popularity: Evaluation | None, active: Evaluation | None
) -> Verdict:
    """Promote unless the candidate loses to popularity, or to the active artifact by more than
    one standard error of the paired difference.

    candidate None: nobody was held out, so nothing can be judged and the candidate is promoted.
    active None: nothing is live yet.
    """
    if candidate is None or popularity is None:
        reason = "Promoted without judging: fewer than 50 users have enough items to hold any out."
        return Verdict(True, (reason,))
    better, reason = _beats_popularity(candidate, popularity)
    if active is None:
        return Verdict(better, (reason, "No artifact was active that could be compared."))
    no_worse, second = _holds_against(candidate, active)
    return Verdict(better and no_worse, (reason, second))


def _beats_popularity(candidate: Evaluation, popularity: Evaluation) -> tuple[bool, str]:
    metric = candidate.headline
    ours, theirs = candidate.mean(metric), popularity.mean(metric)
    if metric == RMSE:
        better, side = ours < theirs, "below"
        plain = "that of biases alone,"
    else:
        better, side = ours > theirs, "above"
        plain = "popularity's"
    words = side if better else f"not {side}"
    return better, f"{metric} is {ours:.4f}, {words} {plain} {theirs:.4f}."


def _holds_against(candidate: Evaluation, active: Evaluation) -> tuple[bool, str]:
    metric = candidate.headline
    difference = candidate.per_user[metric] - active.per_user[metric]
    mean = candidate.mean(metric) - active.mean(metric)
    error = standard_error(difference)
    holds = bool(mean <= error if metric == RMSE else mean >= -error)
    words = "no worse than" if holds else "worse than"
    sentence = (
        f"{metric} differs by {mean:+.4f} from the active artifact's on the same users "
        f"(standard error of the difference {error:.4f}): {words} it."
    )
    return holds, sentence

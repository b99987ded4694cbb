"""Whether a candidate may go live: better than popularity, and no worse than what is live.

It compares per-user figures that both sides earned on the same held-out users; it neither
evaluates nor promotes.
"""

from dataclasses import dataclass

from pipelines.training.evaluate import HEADLINE, Evaluation, standard_error


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
        return Verdict(better, (reason, "No artifact was active."))
    no_worse, second = _holds_against(candidate, active)
    return Verdict(better and no_worse, (reason, second))


def _beats_popularity(candidate: Evaluation, popularity: Evaluation) -> tuple[bool, str]:
    ours, theirs = candidate.mean(HEADLINE), popularity.mean(HEADLINE)
    better = ours > theirs
    words = "above" if better else "not above"
    return better, f"{HEADLINE} is {ours:.4f}, {words} popularity's {theirs:.4f}."


def _holds_against(candidate: Evaluation, active: Evaluation) -> tuple[bool, str]:
    difference = candidate.per_user[HEADLINE] - active.per_user[HEADLINE]
    mean = candidate.mean(HEADLINE) - active.mean(HEADLINE)
    error = standard_error(difference)
    holds = bool(mean >= -error)
    words = "no worse than" if holds else "worse than"
    sentence = (
        f"{HEADLINE} differs by {mean:+.4f} from the active artifact's on the same users "
        f"(standard error of the difference {error:.4f}): {words} it."
    )
    return holds, sentence

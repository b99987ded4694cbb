"""Which of scikit-learn's own checks an estimator fails, and why. Not those that it could meet."""

_SCORES_OF_ITEMS = (
    "For sparse input the check wants one number a row of predict; a recommender's prediction "
    "is a row of numbers, one an item."
)

EXPECTED_FAILED_CHECKS: dict[str, dict[str, str]] = {
    "AutoencoderTransformer": {},
    "AutoencoderOutlierDetector": {},
    "AutoencoderRecommender": {
        "check_estimator_sparse_array": _SCORES_OF_ITEMS,
        "check_estimator_sparse_matrix": _SCORES_OF_ITEMS,
    },
}
"""By class name: the check's name -> the reason."""

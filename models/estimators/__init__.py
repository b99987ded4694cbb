"""scikit-learn faces: the networks as a transformer, an outlier detector and a recommender."""

from models.estimators.checks import EXPECTED_FAILED_CHECKS
from models.estimators.outliers import AutoencoderOutlierDetector
from models.estimators.recommender import AutoencoderRecommender
from models.estimators.transformer import AutoencoderTransformer

__all__ = [
    "EXPECTED_FAILED_CHECKS",
    "AutoencoderOutlierDetector",
    "AutoencoderRecommender",
    "AutoencoderTransformer",
]

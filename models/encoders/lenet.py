"""LeNet-5 (LeCun et al. 1998), with plain mean pools and every map read by all filters.

That is the variant of 61,706 weights: the paper's pools have weights of their own, its second
layer leaves some connections out, and its output is made of radial basis functions.
"""

from models.encoders.layers import Conv, Dense, Pool
from models.encoders.sequential import SequentialConfig

LENET = SequentialConfig(  # 32 x 32
    features=(
        Conv(6, 5, activation="tanh"),  # 28 x 28
        Pool("mean", 2, 2),
        Conv(16, 5, activation="tanh"),  # 10 x 10
        Pool("mean", 2, 2),
    ),
    grid=5,
    classifier=(Dense(120, "tanh"), Dense(84, "tanh")),
    in_channels=1,
    n_classes=10,
)

"""AlexNet (Krizhevsky et al. 2012) in the form of one tower (Krizhevsky 2014), as torchvision's."""

from models.encoders.layers import Conv, Dense, Dropout, Pool
from models.encoders.sequential import SequentialConfig

ALEXNET = SequentialConfig(  # 224 x 224
    features=(
        Conv(64, 11, stride=4, padding=2),  # 55 x 55
        Pool("max", 3, 2),
        Conv(192, 5, padding=2),  # 27 x 27
        Pool("max", 3, 2),
        Conv(384, 3, padding=1),  # 13 x 13
        Conv(256, 3, padding=1),
        Conv(256, 3, padding=1),
        Pool("max", 3, 2),  # 6 x 6
    ),
    grid=6,
    classifier=(Dropout(0.5), Dense(4096), Dropout(0.5), Dense(4096)),
)

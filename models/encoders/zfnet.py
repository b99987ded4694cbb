"""ZF Net (Zeiler & Fergus 2014): AlexNet with smaller filters and steps at the start."""

from models.encoders.layers import Conv, Dense, Dropout, LocalResponse, Pool
from models.encoders.sequential import SequentialConfig

ZFNET = SequentialConfig(  # 224 x 224
    features=(
        Conv(96, 7, stride=2, padding=1),  # 110 x 110
        Pool("max", 3, 2, padding=1),
        LocalResponse(),
        Conv(256, 5, stride=2),  # 26 x 26
        Pool("max", 3, 2, padding=1),
        LocalResponse(),
        Conv(384, 3, padding=1),  # 13 x 13
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1),
        Pool("max", 3, 2),  # 6 x 6
    ),
    grid=6,
    classifier=(Dense(4096), Dropout(0.5), Dense(4096), Dropout(0.5)),
)

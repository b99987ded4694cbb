"""Which embeddings lie in the same direction. Exact; not an index."""

from torch import Tensor
from torch.nn import functional as F


def cosine_to_all(embeddings: Tensor, num: int) -> Tensor:
    """Cosine of one row to every row: (n, embedding_dim) -> (n,). A zero row is like nothing: 0."""
    unit = F.normalize(embeddings, dim=1)
    return unit @ unit[num]

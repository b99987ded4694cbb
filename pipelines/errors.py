"""The errors a caller can act on. Not for faults of ours: those stay ordinary exceptions.

Each says what is wrong and what to do about it; the HTTP status of each is decided in
`service/errors.py`, the exit code in `service/cli`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field at fault: a JSON pointer to it (RFC 6901) and what is wrong with it."""

    pointer: str
    detail: str


class HourglassError(Exception):
    """Base of all; `slug` names the problem for machines, `title` for people."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class InvalidInput(HourglassError):
    """What was sent cannot be used as it is."""

    slug = "invalid-input"
    title = "The input is not valid"


class DamagedImage(InvalidInput):
    """What was sent as an image cannot be decoded, or is none that can be kept."""

    slug = "damaged-image"
    title = "The image cannot be used"


class UnsupportedImage(HourglassError):
    """What was sent as an image is of a format that is not taken, or not of the one declared."""

    slug = "unsupported-image"
    title = "The image is of a format that is not taken here"


class ImageTooLarge(HourglassError):
    """The image has too many bytes or pixels."""

    slug = "image-too-large"
    title = "The image is too large"


class NotFound(HourglassError):
    """What was asked for is not there."""

    slug = "not-found"
    title = "There is no such thing here"


class Conflict(HourglassError):
    """The request is sound, but not in the present state."""

    slug = "conflict"
    title = "The present state does not allow this"


class NoEmbedding(Conflict):
    """The active artifact's kind has no embedding of the asked space."""

    slug = "no-embedding"
    title = "This kind has no such embedding"


class NotReady(HourglassError):
    """What is needed first is not there yet; the detail says how to get it."""

    slug = "not-ready"
    title = "Not ready yet"


class DamagedArtifact(HourglassError):
    """A stored artifact is incomplete or differs from its checksums."""

    slug = "damaged-artifact"
    title = "The artifact is damaged"

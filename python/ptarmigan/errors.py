"""The exceptions that Ptarmigan raises on its own behalf.

What the operating system refuses is an ordinary ``OSError`` (``FileNotFoundError``,
``PermissionError``, ...) with ``errno`` and ``filename``; an argument that can never work is a
``ValueError`` or ``TypeError``.
"""

from __future__ import annotations

__all__ = [
    "AnnotationError",
    "ArchiveError",
    "BoxLabelWarning",
    "DecodeError",
    "IndexFileError",
    "MemberNotFoundError",
    "PartialArchiveWarning",
    "PtarmiganError",
    "ScanPointsWarning",
    "SubmissionError",
]


class PtarmiganError(Exception):
    """Base of every exception below.

    Attributes:
        path: The file the error is about, or None.
        member: The archive member's name, or None.
        offset: The byte offset in the file as stored, or None.
    """

    path: str | None = None
    member: str | None = None
    offset: int | None = None


class ArchiveError(PtarmiganError):
    """The archive's own bytes are wrong: gzip, tar, a checksum, a truncated file."""


class PartialArchiveWarning(UserWarning):
    """The archive ends too early; what it has up to there is used."""


class ScanPointsWarning(UserWarning):
    """Scan points cannot be kept in their file; batches are the same, but take longer to make."""


class BoxLabelWarning(UserWarning):
    """Boxes of the train split, whose labels are sure of the super category only, by species."""


class IndexFileError(PtarmiganError):
    """The index file is damaged, of another version, or belongs to another archive."""


class MemberNotFoundError(PtarmiganError, KeyError):
    """No member has this name or number."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would quote a whole sentence.
        return Exception.__str__(self)


class DecodeError(PtarmiganError):
    """A member's bytes are not an image that can be decoded."""


class AnnotationError(PtarmiganError):
    """The annotation files are wrong or contradict each other."""


class SubmissionError(PtarmiganError, ValueError):
    """The submission, or the truth it is scored against, is wrong."""

"""Turns the file of a photo into a smaller JPEG of it."""

from __future__ import annotations

import io
from dataclasses import dataclass

from .. import _core
from ..errors import DecodeError
from ..pixels import decode, decode_batch
from ..transforms import INTERPOLATIONS, RandomResizedCrop

__all__ = ["Reencoding"]

_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Reencoding:
    """Decodes a photo, makes it smaller, and encodes it with Pillow.

    The result is the very file that Pillow makes of
    ``Image.open(file).convert("RGB").resize(size, interpolation)`` with ``save(..., "JPEG",
    quality=quality)``. Of the metadata only EXIF's orientation is kept, because pixels stay as they
    are stored.

    Args:
        longest: Pixels of the longer side; the other one follows, rounded to the nearest pixel,
            at least 1. A photo that is no larger keeps its size. None keeps every size.
        quality: Pillow's, 1 to 100; Pillow's default for everything else, so chroma is halved.
        interpolation: As for `ptarmigan.ResizeCenterCrop`.

    Raises:
        ValueError: If a number or name can never work.
    """

    longest: int | None = None
    quality: int = 95
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        if self.longest is not None and not 1 <= self.longest <= 65_535:
            raise ValueError(f"expected a longer side of 1 to 65,535 pixels, found {self.longest}")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"expected a quality of 1 to 100, found {self.quality}")
        if self.interpolation not in INTERPOLATIONS:
            known = ", ".join(INTERPOLATIONS)
            raise ValueError(f"expected one of {known}, found `{self.interpolation}`")

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a photo of this width and height gets."""
        if self.longest is None or max(width, height) <= self.longest:
            return width, height
        if width >= height:
            return self.longest, max(1, round(height * self.longest / width))
        return max(1, round(width * self.longest / height)), self.longest

    def __call__(self, data: bytes, name: str, path: str) -> bytes:
        """The new file's bytes.

        Args:
            data: The photo's file, a JPEG or PNG.
            name: The member's name, for an error.
            path: The archive's path, for an error.

        Raises:
            DecodeError: If it cannot be decoded.
        """
        from PIL import Image

        try:
            width, height = _core.image_size(data)
            size = self.size(width, height)
            if size == (width, height):
                pixels = decode(data)
            else:
                # All of the area in the photo's own proportions is the whole photo.
                ratio = (width / height,) * 2
                whole = RandomResizedCrop(size[::-1], (1, 1), ratio, 0.0, self.interpolation)
                pixels = decode_batch([data], whole, threads=1, names=[name])[0]
        except DecodeError as error:
            which = "" if error.member else f"member `{name}`: "
            named = DecodeError(f"`{path}`: {which}{error}")
            named.path, named.member = path, name
            raise named from error
        options = {}
        orientation = _core.image_orientation(data)
        if orientation > 1:
            options["exif"] = Image.Exif()
            options["exif"][_ORIENTATION] = orientation
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=self.quality, **options)
        return buffer.getvalue()

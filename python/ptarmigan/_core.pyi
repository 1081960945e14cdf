"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

import os
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Archive",
    "Camera",
    "Epoch",
    "GroundTruth",
    "IndexResult",
    "Loader",
    "MemberFile",
    "Output",
    "Stream",
    "StreamedMember",
    "Transform",
    "VerifyReport",
    "__version__",
    "annotation_columns",
    "annotation_key",
    "bootstrap_interval",
    "build_index",
    "build_index_from",
    "check_submission",
    "decode",
    "decode_batch",
    "decode_members",
    "default_index_path",
    "epoch_order",
    "export_index",
    "find_members",
    "folders",
    "image_orientation",
    "image_size",
    "json_file",
    "labels_per_batch",
    "read_annotations",
    "read_boxes",
    "read_locations",
    "read_submission",
    "score_groups",
    "score_official",
    "score_strict",
    "store_annotations",
    "submission_formats",
    "top_k",
    "write_submission",
]
__version__: str

@final
class Camera:
    def __new__(cls, seed: int, bits_per_pixel: float) -> Camera: ...
    def photograph(
        self,
        classes: NDArray[np.int64],
        groups: NDArray[np.int64],
        keys: NDArray[np.int64],
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
        components: NDArray[np.uint8],
        threads: int,
    ) -> list[bytes]: ...
    def subject_boxes(
        self,
        classes: NDArray[np.int64],
        groups: NDArray[np.int64],
        keys: NDArray[np.int64],
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
    ) -> list[list[float]]: ...

_StrPath: TypeAlias = str | PathLike[str]

# pixels

@final
class Transform:
    @staticmethod
    def random_resized_crop(
        size: tuple[int, int],
        scale: tuple[float, float],
        ratio: tuple[float, float],
        hflip: float,
        interpolation: str,
    ) -> Transform: ...
    @staticmethod
    def resize_center_crop(resize: int, crop: tuple[int, int], interpolation: str) -> Transform: ...
    def boxes(
        self,
        widths: NDArray[np.int64],
        heights: NDArray[np.int64],
        seed: int,
        epoch: int,
        samples: NDArray[np.uint64],
    ) -> NDArray[np.int32]: ...
    def source_boxes(
        self, widths: NDArray[np.int64], heights: NDArray[np.int64]
    ) -> NDArray[np.float64]: ...

@final
class Output:
    def __new__(
        cls, dtype: str, layout: str, mean: Sequence[float], std: Sequence[float]
    ) -> Output: ...

def image_size(data: bytes) -> tuple[int, int]: ...
def image_orientation(data: bytes) -> int: ...
def decode(data: bytes, out: NDArray[np.uint8]) -> None: ...
def decode_batch(
    images: list[bytes],
    transform: Transform,
    output: Output,
    decode: str,
    seed: int,
    epoch: int,
    samples: NDArray[np.uint64],
    threads: int | None,
    out: NDArray[np.uint8],
    names: Sequence[str] | None,
) -> None: ...

# batch

_Share = tuple[int, int, int, int]

@final
class Loader:
    def __new__(
        cls,
        archive: Archive,
        members: NDArray[np.int64],
        image_ids: NDArray[np.int64],
        transform: Transform,
        output: Output,
        decode: str,
        seed: int,
        order: str,
        batch_size: int,
        drop_last: bool,
        prefetch: int,
        skip: bool,
        scan_points: bool | str,
    ) -> Loader: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def scan_points_path(self) -> Path | None: ...
    def take_trouble(self) -> Exception | None: ...
    def batches(self, position: int, share: _Share) -> int: ...
    def start(self, epoch: int, position: int, share: _Share, threads: int | None) -> Epoch: ...

@final
class Epoch:
    def next(
        self,
    ) -> (
        tuple[
            NDArray[np.uint8],
            int,
            NDArray[np.uint32],
            NDArray[np.bool_],
            list[tuple[int, str | None, Exception]],
            int,
        ]
        | None
    ): ...
    def stop(self) -> None: ...

def epoch_order(
    order: str, members: NDArray[np.int64], seed: int, epoch: int
) -> NDArray[np.uint32]: ...
def labels_per_batch(
    order: NDArray[np.uint32], labels: NDArray[np.int64], batch_size: int
) -> float: ...

# archive

@final
class Archive:
    @staticmethod
    def open(
        path: str,
        index_path: str | None,
        build: str,
        expected_md5: str | None,
        md5: bool,
        progress: Callable[[int, int | None, int], object] | None,
    ) -> Archive: ...
    def __len__(self) -> int: ...
    def find(self, name: bytes) -> int | None: ...
    def name(self, member: int) -> bytes: ...
    def joined_names(self) -> bytes: ...
    def fill_members(self, out: NDArray[np.uint8]) -> None: ...
    def read(self, member: int) -> bytes: ...
    def read_many(self, members: Sequence[int], threads: int | None) -> list[bytes]: ...
    def open_member(self, member: int) -> MemberFile: ...
    def verify(
        self, threads: int | None, progress: Callable[[int, int | None, int], object] | None
    ) -> VerifyReport: ...
    @property
    def path(self) -> Path: ...
    @property
    def index_path(self) -> Path: ...
    @property
    def index_size(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def stopped(self) -> str | None: ...
    @property
    def total_bytes(self) -> int: ...
    @property
    def archive_bytes(self) -> int: ...
    @property
    def fingerprint(self) -> int: ...

@final
class MemberFile:
    @property
    def size(self) -> int: ...
    def read_at(self, offset: int, out: NDArray[np.uint8]) -> int: ...
    def read_rest(self, offset: int) -> bytes: ...

@final
class Stream:
    @staticmethod
    def of_path(path: str) -> Stream: ...
    @staticmethod
    def of_pipe(head: bytes, pipe: str, name: str) -> Stream: ...
    @staticmethod
    def of_object(source: object, name: str) -> Stream: ...
    def next(self) -> StreamedMember | None: ...
    def close(self) -> None: ...
    @property
    def end(self) -> tuple[bool, str | None] | None: ...

@final
class StreamedMember:
    def __iter__(self) -> Iterator[str | bytes | None]: ...
    @property
    def name(self) -> str: ...
    @property
    def data(self) -> bytes | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def link(self) -> str | None: ...
    @property
    def tar_offset(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def crc32(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def sampling(self) -> int: ...
    @property
    def restart_interval(self) -> int: ...
    @property
    def components(self) -> int: ...
    @property
    def sof(self) -> int: ...
    @property
    def precision(self) -> int: ...
    @property
    def orientation(self) -> int: ...
    @property
    def format(self) -> int: ...
    @property
    def adobe(self) -> int: ...

@final
class VerifyReport:
    @property
    def members(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def bad(self) -> list[tuple[int, str]]: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def md5_ok(self) -> bool: ...

@final
class IndexResult:
    @property
    def members(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def md5(self) -> str | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def stopped(self) -> str | None: ...

def default_index_path(path: str) -> Path: ...
def build_index(
    path: str,
    index_path: str | None,
    expected_md5: str | None,
    md5: bool,
    progress: Callable[[int, int | None, int], object] | None,
) -> IndexResult: ...
def build_index_from(
    head: bytes,
    pipe: str | None,
    source: object,
    name: str,
    index_path: str,
    expected_md5: str | None,
    md5: bool,
    progress: Callable[[int, int | None, int], object] | None,
) -> IndexResult: ...
def export_index(
    archive: Archive,
    path: str,
    kind: str,
    spacing: int,
    progress: Callable[[int, int | None, int], object] | None,
) -> tuple[int, int, int]: ...

# annotations

_Column: TypeAlias = (
    NDArray[np.float64]
    | NDArray[np.int64]
    | NDArray[np.bool_]
    | tuple[NDArray[np.uint8], NDArray[np.uint64]]
)

_Place: TypeAlias = tuple[_StrPath, str | None]

def annotation_key(
    sources: Sequence[_Place], categories: _Place | None
) -> tuple[Path | None, str]: ...
def read_annotations(
    sources: Sequence[_Place], categories: _Place | None, key: str
) -> NDArray[np.uint8]: ...
def annotation_columns(
    memory: NDArray[np.uint8], key: str | None
) -> (
    tuple[
        list[tuple[str, str]],
        list[tuple[str, str]],
        str | None,
        list[tuple[str, str, str, int, int, int | None, int | None]],
    ]
    | None
): ...
def store_annotations(path: _StrPath, memory: NDArray[np.uint8]) -> bool: ...
def read_boxes(
    place: _Place,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.bool_],
]: ...
def read_locations(
    place: _Place,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    tuple[NDArray[np.uint8], NDArray[np.uint64]],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int8],
    list[tuple[str, _Column]],
]: ...

# detections

def json_file(path: _StrPath) -> tuple[str, str | None]: ...

_Records: TypeAlias = tuple[list[int], list[str], list[str]]

@final
class GroundTruth:
    @staticmethod
    def read(
        sources: Sequence[_Place],
        images: NDArray[np.int64] | None,
        categories: _Records | None,
    ) -> GroundTruth: ...
    def __len__(self) -> int: ...
    def columns(
        self,
    ) -> tuple[
        NDArray[np.int64],
        NDArray[np.int32],
        NDArray[np.uint64],
        NDArray[np.int64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.int64],
    ]: ...
    @property
    def categories(self) -> _Records: ...
    @property
    def supercategories(self) -> list[str]: ...
    def score(
        self,
        found: _Place
        | tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
        granularity: str,
        half: bool,
        max_dets: Sequence[int],
    ) -> tuple[
        int,
        int,
        list[float],
        list[tuple[int, int, int, list[float]]],
        list[tuple[int, list[int], list[float]]],
    ]: ...

# samples

def find_members(
    archive: Archive,
    data: NDArray[np.uint8],
    starts: NDArray[np.uint64],
    ends: NDArray[np.uint64],
    how: str,
) -> NDArray[np.int64]: ...
def folders(archive: Archive) -> tuple[NDArray[np.int64], NDArray[np.int64], list[bytes]]: ...
def decode_members(
    archive: Archive, members: Sequence[int], threads: int | None
) -> list[NDArray[np.uint8]]: ...

# predictions

_Form: TypeAlias = tuple[str, int | None, int | None, NDArray[np.int64] | None]

def top_k(
    logits: NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint16],
    out: NDArray[np.int32],
    *,
    brain: bool,
    threads: int | None,
) -> None: ...
def submission_formats() -> list[tuple[str, str, int]]: ...
def read_submission(
    path: str | os.PathLike[str], form: _Form
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
def check_submission(
    path: str | os.PathLike[str], form: _Form, limit: int
) -> tuple[int, int, list[tuple[int | None, str]]]: ...
def write_submission(
    path: str | os.PathLike[str], ids: NDArray[np.int64], labels: NDArray[np.int64], form: _Form
) -> None: ...
def score_strict(
    predicted: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    form: _Form,
    *,
    k: int,
    source: str | None,
    grouping: tuple[NDArray[np.int64], NDArray[np.uintp], int] | None,
) -> tuple[
    list[int],
    list[int] | None,
    list[int] | None,
    list[tuple[int, list[int]]],
    list[int],
    list[int],
]: ...
def score_official(
    predicted: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: str | os.PathLike[str] | tuple[NDArray[np.int64], NDArray[np.int64]],
    form: _Form,
    *,
    k: int,
    grouping: tuple[NDArray[np.int64], NDArray[np.uintp], int] | None,
) -> tuple[
    list[int],
    list[int] | None,
    list[int] | None,
    list[tuple[str, list[int]]],
    list[int],
    list[int],
]: ...
def bootstrap_interval(
    n: int, wrong: int, *, resamples: int, confidence: float, seed: int, which: int
) -> list[float]: ...
def score_groups(
    classes: list[list[int]], group_of: list[int], groups: int
) -> list[tuple[list[int], int, list[float]]]: ...

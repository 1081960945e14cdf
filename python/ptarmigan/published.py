"""Turns what the competition pages and the paper say of each release into data to check against.

Sources: the pages https://github.com/visipedia/inat_comp/tree/master/2017 (and 2018, 2019, 2021)
for names, md5s, tables and totals; the checksum files of TensorFlow Datasets for sizes in bytes,
where the pages round them; Van Horn et al., "The iNaturalist Species Classification and Detection
Dataset" (CVPR 2018, https://arxiv.org/abs/1707.06642) for what is marked as the paper's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "PUBLISHED",
    "BoxRow",
    "ImageRow",
    "Paper",
    "PublishedFile",
    "PublishedRelease",
]


class PublishedFile(NamedTuple):
    """One file of a release.

    Attributes:
        name: As it is downloaded.
        size: Bytes, or None where only a rounded figure is known.
        md5: 32 hexadecimal digits, or None where the page has none.
        shown: The size as the page has it, which is rounded up and counts in units of 1,024.
        content: What is in it.
        splits: The splits whose images it holds, such as ``"train+val"``; empty for other files.
    """

    name: str
    size: int | None
    md5: str | None
    shown: str | None
    content: str
    splits: str = ""


class ImageRow(NamedTuple):
    """A row of a page's first table.

    Attributes:
        name: The super category.
        categories: How many categories it has.
        images: Images of each split.
    """

    name: str
    categories: int
    images: dict[str, int]


class BoxRow(NamedTuple):
    """A row of the 2017 page's second table: boxes of a super category, in each split."""

    name: str
    train: int
    val: int


class Paper(NamedTuple):
    """What the paper says of the training images of each category.

    Attributes:
        median: The median.
        imbalance: The largest number over the smallest, rounded to two digits.
        top_share: The commonest 1 % of the categories have more than this share of the images.
    """

    median: float
    imbalance: float
    top_share: float


class PublishedRelease(NamedTuple):
    """Everything that is published about one release and can be counted in its files.

    Attributes:
        version: ``"2017"``, ``"2018"``, ``"2019"`` or ``"2021"``.
        page: Address of the page.
        files: What is downloaded.
        images: The first table, in the page's order; empty where the page has none.
        totals: ``categories`` and the images of each split (also ``train+val`` where the page has
            only the sum).
        longest_side: The most pixels that an image has in a direction.
        boxes: The second table, in the page's order.
        boxed_categories: Categories of the super categories that have boxes.
        boxed_val_images: Validation images with a box: each has one, so as many as there are boxes.
        paper: What the paper adds, or None.
    """

    version: str
    page: str
    files: tuple[PublishedFile, ...]
    images: tuple[ImageRow, ...]
    totals: dict[str, int]
    longest_side: int
    boxes: tuple[BoxRow, ...] = ()
    boxed_categories: int = 0
    boxed_val_images: int = 0
    paper: Paper | None = None


_PAGES: Final = "https://github.com/visipedia/inat_comp/tree/master/"


def _rows(splits: tuple[str, ...], rows: dict[str, tuple[int, ...]]) -> tuple[ImageRow, ...]:
    return tuple(
        ImageRow(name, categories, dict(zip(splits, images, strict=True)))
        for name, (categories, *images) in rows.items()
    )


_2017: Final = PublishedRelease(
    version="2017",
    page=_PAGES + "2017",
    files=(
        PublishedFile(
            "train_val_images.tar.gz",
            198_765_436_676,
            "7c784ea5e424efaec655bd392f87301f",
            "186GB",
            "training and validation images",
            splits="train+val",
        ),
        PublishedFile(
            "train_val2017.zip", 26_836_398, None, "26MB", "train2017.json, val2017.json"
        ),
        PublishedFile("train_2017_bboxes.zip", None, None, "22MB", "train_2017_bboxes.json"),
        PublishedFile("val_2017_bboxes.zip", None, None, "3MB", "val_2017_bboxes.json"),
        PublishedFile(
            "inat2017_locations.zip",
            None,
            "afc1956f9a100b165b89f3923d040912",
            "12MB",
            "train2017_locations.json, val2017_locations.json",
        ),
        PublishedFile(
            "test2017.tar.gz",
            56_064_473_151,
            "7d9b096fa1cd94d67a0fa779ea301234",
            "53GB",
            "test images",
            splits="test",
        ),
        PublishedFile("test2017.zip", None, None, "6.3MB", "test2017.json"),
    ),
    images=_rows(
        ("train", "val"),
        {
            "Plantae": (2101, 158_407, 38_206),
            "Insecta": (1021, 100_479, 18_076),
            "Aves": (964, 214_295, 21_226),
            "Reptilia": (289, 35_201, 5_680),
            "Mammalia": (186, 29_333, 3_490),
            "Fungi": (121, 5_826, 1_780),
            "Amphibia": (115, 15_318, 2_385),
            "Mollusca": (93, 7_536, 1_841),
            "Animalia": (77, 5_228, 1_362),
            "Arachnida": (56, 4_873, 1_086),
            "Actinopterygii": (53, 1_982, 637),
            "Chromista": (9, 398, 144),
            "Protozoa": (4, 308, 73),
        },
    ),
    # The number of test images is not on the page: the paper's 90,427 public and 92,280 private.
    totals={"categories": 5_089, "train": 579_184, "val": 95_986, "test": 182_707},
    longest_side=800,
    boxes=(
        BoxRow("Insecta", 106_304, 16_732),
        BoxRow("Aves", 283_931, 17_314),
        BoxRow("Reptilia", 36_476, 5_480),
        BoxRow("Mammalia", 31_109, 2_654),
        BoxRow("Amphibia", 15_812, 2_280),
        BoxRow("Mollusca", 8_566, 1_571),
        BoxRow("Animalia", 6_643, 1_143),
        BoxRow("Arachnida", 4_752, 1_051),
        BoxRow("Actinopterygii", 2_571, 511),
    ),
    boxed_categories=2_854,
    boxed_val_images=48_736,
    paper=Paper(median=41, imbalance=435.44, top_share=0.16),
)

_2018: Final = PublishedRelease(
    version="2018",
    page=_PAGES + "2018",
    files=(
        PublishedFile(
            "train_val2018.tar.gz",
            None,
            "b1c6952ce38f31868cc50ea72d066cc3",
            "120GB",
            "training and validation images",
            splits="train+val",
        ),
        PublishedFile(
            "train2018.json.tar.gz",
            None,
            "bfa29d89d629cbf04d826a720c0a68b0",
            "26MB",
            "train2018.json",
        ),
        # The page gives the size of the training file here too.
        PublishedFile(
            "val2018.json.tar.gz", None, "f2ed8bfe3e9901cdefceb4e53cd3775d", None, "val2018.json"
        ),
        PublishedFile(
            "inat2018_locations.zip",
            None,
            "1704763abc47b75820aa5a3d93c6c0f3",
            "11MB",
            "train2018_locations.json, val2018_locations.json",
        ),
        PublishedFile(
            "test2018.tar.gz",
            None,
            "4b71d44d73e27475eefea68886c7d1b1",
            "40GB",
            "test images",
            splits="test",
        ),
        PublishedFile(
            "test2018.json.tar.gz",
            None,
            "fc717a7f53ac72ed8b250221a08a4502",
            "6.3MB",
            "test2018.json",
        ),
        PublishedFile("categories.json.tar.gz", None, None, None, "categories.json"),
    ),
    images=_rows(
        ("train", "val"),
        {
            "Plantae": (2917, 118_800, 8_751),
            "Insecta": (2031, 87_192, 6_093),
            "Aves": (1258, 143_950, 3_774),
            "Actinopterygii": (369, 7_835, 1_107),
            "Fungi": (321, 6_864, 963),
            "Reptilia": (284, 22_754, 852),
            "Mollusca": (262, 8_007, 786),
            "Mammalia": (234, 20_104, 702),
            "Animalia": (178, 5_966, 534),
            "Amphibia": (144, 11_156, 432),
            "Arachnida": (114, 4_037, 342),
            "Chromista": (25, 621, 75),
            "Protozoa": (4, 211, 12),
            "Bacteria": (1, 16, 3),
        },
    ),
    totals={"categories": 8_142, "train": 437_513, "val": 24_426, "test": 149_394},
    longest_side=800,
)

_2019: Final = PublishedRelease(
    version="2019",
    page=_PAGES + "2019",
    files=(
        PublishedFile(
            "train_val2019.tar.gz",
            None,
            "c60a6e2962c9b8ccbd458d12c8582644",
            "74GB",
            "training and validation images",
            splits="train+val",
        ),
        PublishedFile(
            "train2019.json.tar.gz",
            None,
            "b06a6683537867c0d5c7a45f407a306d",
            "13MB",
            "train2019.json",
        ),
        PublishedFile(
            "val2019.json.tar.gz", None, "5cc5509b0fe495f1c8c1362612448497", "156KB", "val2019.json"
        ),
        PublishedFile(
            "test2019.tar.gz",
            None,
            "6966703cc589a877689dc8993bb3e55e",
            "8.6GB",
            "test images",
            splits="test",
        ),
        PublishedFile(
            "test2019.json.tar.gz",
            None,
            "f3208996d9f675462cb00d2f18cbb28c",
            "1.3MB",
            "test2019.json",
        ),
        PublishedFile("categories.json.tar.gz", None, None, None, "categories.json"),
    ),
    images=(),
    totals={"categories": 1_010, "train+val": 268_243},
    longest_side=800,
)

_2021: Final = PublishedRelease(
    version="2021",
    page=_PAGES + "2021",
    files=(
        PublishedFile(
            "train.tar.gz",
            None,
            "e0526d53c7f7b2e3167b2b43bb2690ed",
            "224GB",
            "training images",
            splits="train",
        ),
        PublishedFile(
            "train.json.tar.gz", None, "38a7bb733f7a09214d44293460ec0021", "221MB", "train.json"
        ),
        PublishedFile(
            "train_mini.tar.gz",
            None,
            "db6ed8330e634445efc8fec83ae81442",
            "42GB",
            "50 training images of each category",
            splits="mini",
        ),
        PublishedFile(
            "train_mini.json.tar.gz",
            None,
            "395a35be3651d86dc3b0d365b8ea5f92",
            "45MB",
            "train_mini.json",
        ),
        PublishedFile(
            "val.tar.gz",
            None,
            "f6f6e0e242e3d4c9569ba56400938afc",
            "8.4GB",
            "validation images",
            splits="val",
        ),
        PublishedFile(
            "val.json.tar.gz", None, "4d761e0f6a86cc63e8f7afc91f6a8f0b", "9.4MB", "val.json"
        ),
        PublishedFile(
            "public_test.tar.gz",
            None,
            "7124b949fe79bfa7f7019a15ef3dbd06",
            "43GB",
            "test images",
            splits="test",
        ),
        PublishedFile(
            "public_test.json.tar.gz",
            None,
            "7a9413db55c6fa452824469cc7dd9d3d",
            "21MB",
            "public_test.json",
        ),
    ),
    images=_rows(
        ("train", "mini", "val"),
        {
            "Plants": (4271, 1_148_702, 213_550, 42_710),
            "Insects": (2526, 663_682, 126_300, 25_260),
            "Birds": (1486, 414_847, 74_300, 14_860),
            "Fungi": (341, 90_048, 17_050, 3_410),
            "Reptiles": (313, 86_830, 15_650, 3_130),
            "Mammals": (246, 68_917, 12_300, 2_460),
            "Ray-finned Fishes": (183, 45_166, 9_150, 1_830),
            "Amphibians": (170, 46_252, 8_500, 1_700),
            "Mollusks": (169, 44_670, 8_450, 1_690),
            "Arachnids": (153, 40_687, 7_650, 1_530),
            "Animalia": (142, 37_042, 7_100, 1_420),
        },
    ),
    totals={
        "categories": 10_000,
        "train": 2_686_843,
        "mini": 500_000,
        "val": 100_000,
        "test": 500_000,
    },
    longest_side=500,
)

PUBLISHED: Final = {release.version: release for release in (_2017, _2018, _2019, _2021)}
"""What is published of each release, by version."""

"""The two tables of the 2017 competition page, figure for figure, for the tests to compare with.

Source: https://github.com/visipedia/inat_comp/tree/master/2017
"""

from __future__ import annotations

# Super category -> categories, training images, validation images.
IMAGES = {
    "Plantae": (2101, 158407, 38206),
    "Insecta": (1021, 100479, 18076),
    "Aves": (964, 214295, 21226),
    "Reptilia": (289, 35201, 5680),
    "Mammalia": (186, 29333, 3490),
    "Fungi": (121, 5826, 1780),
    "Amphibia": (115, 15318, 2385),
    "Mollusca": (93, 7536, 1841),
    "Animalia": (77, 5228, 1362),
    "Arachnida": (56, 4873, 1086),
    "Actinopterygii": (53, 1982, 637),
    "Chromista": (9, 398, 144),
    "Protozoa": (4, 308, 73),
}
IMAGES_TOTAL = (5089, 579184, 95986)

# Super category -> training boxes, validation boxes.
BOXES = {
    "Insecta": (106304, 16732),
    "Aves": (283931, 17314),
    "Reptilia": (36476, 5480),
    "Mammalia": (31109, 2654),
    "Amphibia": (15812, 2280),
    "Mollusca": (8566, 1571),
    "Animalia": (6643, 1143),
    "Arachnida": (4752, 1051),
    "Actinopterygii": (2571, 511),
}
BOXES_TOTAL = (496164, 48736)

TEST_IMAGES = 182707

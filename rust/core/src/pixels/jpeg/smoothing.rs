//! Turns DC coefficients into estimates of AC ones that the scans of a progressive picture left
//! out, as libjpeg-turbo does since 2.1 (`decompress_smooth_data` of `jdcoefct.c`; T.81 K.8 has an
//! idea of it).

use super::coefficients::{Block, Plane};
use super::layout::Layout;
use super::progressive::{Knowledge, is_rough};

/// Weights of the 5 x 5 DC coefficients around a block.
type Weights = [[i32; 5]; 5];

/// The estimates of the first AC coefficients in the order of the stream where no AC coefficient of
/// a component is known.
const BLIND: [Weights; 9] = [
    [
        [-1, -1, 0, 1, 1],
        [-3, 13, 0, -13, 3],
        [-3, 38, 0, -38, 3],
        [-3, 13, 0, -13, 3],
        [-1, -1, 0, 1, 1],
    ],
    [
        [-1, -3, -3, -3, -1],
        [-1, 13, 38, 13, -1],
        [0; 5],
        [1, -13, -38, -13, 1],
        [1, 3, 3, 3, 1],
    ],
    [
        [0, 0, 1, 0, 0],
        [0, 2, 7, 2, 0],
        [0, -5, -14, -5, 0],
        [0, 2, 7, 2, 0],
        [0, 0, 1, 0, 0],
    ],
    [
        [-1, 0, 0, 0, 1],
        [0, 9, 0, -9, 0],
        [0; 5],
        [0, -9, 0, 9, 0],
        [1, 0, 0, 0, -1],
    ],
    [
        [0; 5],
        [0, 2, -5, 2, 0],
        [1, 7, -14, 7, 1],
        [0, 2, -5, 2, 0],
        [0; 5],
    ],
    [
        [0; 5],
        [0, 1, 0, -1, 0],
        [0, 2, 0, -2, 0],
        [0, 1, 0, -1, 0],
        [0; 5],
    ],
    [[0; 5], [0, 1, -3, 1, 0], [0; 5], [0, -1, 3, -1, 0], [0; 5]],
    [
        [0; 5],
        [0, 1, 0, -1, 0],
        [0, -3, 0, 3, 0],
        [0, 1, 0, -1, 0],
        [0; 5],
    ],
    [[0; 5], [0, 1, 2, 1, 0], [0; 5], [0, -1, -2, -1, 0], [0; 5]],
];

/// What the DC coefficient itself becomes then.
const BLIND_DC: Weights = [
    [-2, -6, -8, -6, -2],
    [-6, 6, 42, 6, -6],
    [-8, 42, 152, 42, -8],
    [-6, 6, 42, 6, -6],
    [-2, -6, -8, -6, -2],
];

/// The estimates where some are known.
const SEEING: [Weights; 5] = [
    [[0; 5], [0; 5], [-7, 50, 0, -50, 7], [0; 5], [0; 5]],
    [
        [0, 0, -7, 0, 0],
        [0, 0, 50, 0, 0],
        [0; 5],
        [0, 0, -50, 0, 0],
        [0, 0, 7, 0, 0],
    ],
    [
        [0, 0, -1, 0, 0],
        [0, 0, 13, 0, 0],
        [0, 0, -24, 0, 0],
        [0, 0, 13, 0, 0],
        [0, 0, -1, 0, 0],
    ],
    [
        [0, -1, 0, 1, 0],
        [-1, 10, 0, -10, 1],
        [0; 5],
        [1, -10, 0, 10, -1],
        [0, 1, 0, -1, 0],
    ],
    [[0; 5], [0; 5], [-1, 13, -24, 13, -1], [0; 5], [0; 5]],
];

/// Places of the estimated coefficients, in the order of the stream.
const PLACES: [usize; 9] = [1, 8, 16, 9, 2, 3, 10, 17, 24];

/// What is known of a picture whose blocks are to be smoothed.
#[derive(Debug)]
pub(super) struct Smoothing<'a> {
    layout: &'a Layout,
    knowledge: &'a Knowledge,
    scans: u32,
}

impl<'a> Smoothing<'a> {
    /// For a progressive picture after so many scans, unless it needs none or cannot have any
    /// (`smoothing_ok`).
    pub(super) fn new(layout: &'a Layout, knowledge: &'a Knowledge, scans: u32) -> Option<Self> {
        let divisible = layout.components.iter().all(|component| {
            component
                .quantisation
                .as_ref()
                .is_some_and(|table| table[0] != 0 && PLACES.iter().all(|&place| table[place] != 0))
        });
        (divisible && is_rough(layout, knowledge)).then_some(Self {
            layout,
            knowledge,
            scans,
        })
    }

    /// The rows of blocks of one component.
    pub(super) fn component<'p>(&'p self, number: usize, plane: &'p Plane) -> Rows<'p> {
        let mut before = self.knowledge.before[number];
        if self.scans < 2 {
            before = [-1; 64];
        }
        Rows {
            plane,
            blocks: self.layout.components[number].blocks,
            step: self.layout.components[number].sampling.1,
            groups: self.layout.mcus.1,
            last_row: self.knowledge.last_row,
            known: [self.knowledge.now[number], before],
            quantisation: self.layout.components[number].quantisation.as_deref(),
        }
    }
}

/// One component of such a picture.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    plane: &'a Plane,
    blocks: (usize, usize),
    /// Rows of blocks in a row of interleaved MCUs.
    step: usize,
    /// Rows of interleaved MCUs.
    groups: usize,
    last_row: usize,
    known: [[i8; 64]; 2],
    quantisation: Option<&'a [u16; 64]>,
}

impl Rows<'_> {
    /// The five rows around one; where there are none, the nearest.
    fn around(&self, row: usize) -> [&[Block]; 5] {
        let (group, within) = (row / self.step, row % self.step);
        // In the last row of MCUs libjpeg-turbo counts as if all had as few rows of blocks.
        let step = if group + 1 == self.groups {
            self.blocks.1 - group * self.step
        } else {
            self.step
        };
        let counted = group * step + within;
        let total = step * self.groups;
        let above = row - usize::from(counted > 0);
        let below = row + usize::from(counted + 1 < total);
        let two_above = if counted > 1 { row - 2 } else { above };
        let two_below = if counted + 2 < total { row + 2 } else { below };
        [two_above, above, row, below, two_below].map(|row| self.plane.row(row))
    }

    /// Calls `each` with every block of a row, smoothed.
    pub(super) fn smooth(&self, row: usize, mut each: impl FnMut(usize, &Block)) {
        let rows = self.around(row);
        let known = &self.known[usize::from(row / self.step > self.last_row)];
        let blind = known[1..10].iter().all(|&bit| bit == -1);
        let Some(quantisation) = self.quantisation else {
            return;
        };
        let estimates: &[Weights] = if blind { &BLIND } else { &SEEING };
        let last = self.blocks.0 - 1;
        for column in 0..=last {
            let columns = [
                column.saturating_sub(2),
                column.saturating_sub(1),
                column,
                (column + 1).min(last),
                (column + 2).min(last),
            ];
            let dc = rows.map(|row| columns.map(|column| i32::from(row[column][0])));
            let mut block = rows[2][column];
            for (number, weights) in estimates.iter().enumerate() {
                let place = PLACES[number];
                let bit = known[number + 1];
                if bit != 0 && block[place] == 0 {
                    let step = [quantisation[0], quantisation[place]];
                    block[place] = estimate(weights, &dc, step, bit);
                }
            }
            if blind {
                block[0] = estimate(&BLIND_DC, &dc, [quantisation[0]; 2], -1);
            }
            each(column, &block);
        }
    }
}

/// The weighted sum of DC coefficients over 256, in steps of another coefficient, not above what
/// the bits below `bit` can hold.
fn estimate(weights: &Weights, dc: &[[i32; 5]; 5], step: [u16; 2], bit: i8) -> i16 {
    let products = weights.iter().flatten().zip(dc.iter().flatten());
    let sum: i32 = products.map(|(weight, dc)| weight * dc).sum();
    let number = i64::from(step[0]) * i64::from(sum);
    let step = i64::from(step[1]);
    let mut size = ((step << 7) + number.abs()) / (step << 8);
    if bit > 0 {
        size = size.min((1 << bit) - 1);
    }
    (if number >= 0 { size } else { -size }) as i16
}

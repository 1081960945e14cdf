//! Turns one row of logits into the numbers of its k best classes.
//!
//! The order is that of a stable sort by falling value: equal values by rising class number,
//! -0.0 equal to +0.0, every NaN after -infinity.
//!
//! Every logit is read once from memory. The first look keeps the maxima of small blocks; the
//! k-th best of a few of them is a bound that at least k logits reach; only the blocks whose
//! maxima reach it (hardly more than k) are looked at again, while the row is still in the cache and
//! the maxima of the next row are found.
//!
//! Everything here is inlined into its callers, which compile it for any CPU (`top_k.rs`) and
//! for AVX2 (`top_k_avx2.rs`). Only the two small methods of [`Vectors`] differ between them.

#![expect(
    clippy::inline_always,
    reason = "must become part of the caller, which alone is compiled for a special CPU"
)]

use std::cmp::Reverse;

use super::logit::Logit;

/// Largest k whose candidates are kept in a short list; beyond it, rows are sorted in part.
pub(super) const LISTED_K: usize = 32;

/// Vectors in one block: their maxima are a sixteenth of the row and stay in the first cache.
pub(super) const BLOCK: usize = 16;

/// Most candidates at a time. A row without order has about 1.4 k of them.
const CANDIDATES: usize = 2 * LISTED_K;

/// Most groups of maxima for the bound: twice `LISTED_K` in vectors of four lanes.
const GROUPS: usize = 16;

/// Up to so many candidates are ordered by comparing every pair, without branches.
const PAIRED: usize = 16;

/// How many logits a vector holds, and the work on vectors that is worth special instructions.
pub(super) trait Vectors<T: Logit, const LANES: usize>: Copy {
    /// The largest key in each lane of a block.
    #[inline(always)]
    fn maxima(self, block: &[[T; LANES]]) -> [T::Key; LANES] {
        let mut maxima = [T::LOWEST_KEY; LANES];
        for vector in block {
            for (maximum, logit) in maxima.iter_mut().zip(vector) {
                *maximum = (*maximum).max(logit.key());
            }
        }
        maxima
    }

    /// Which lanes of a vector have a key above `limit`: bit i for lane i.
    #[inline(always)]
    fn above(self, vector: &[T; LANES], limit: T::Key) -> u32 {
        let lanes = vector.iter().enumerate();
        lanes.fold(0, |mask, (lane, logit)| {
            mask | (u32::from(logit.key() > limit) << lane)
        })
    }

    /// [`rank_rows`], compiled for these vectors.
    #[inline(always)]
    fn rank(self, logits: &[T], classes: usize, k: usize, out: &mut [i32]) {
        rank_rows(self, logits, classes, k, out);
    }
}

/// Vectors for any CPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

impl<T: Logit, const LANES: usize> Vectors<T, LANES> for Portable {}

#[cfg(not(target_arch = "x86_64"))]
impl Portable {
    pub(super) fn detect() -> Option<Self> {
        Some(Self)
    }
}

/// Ranks every row of `logits` (rows of `classes` logits) into `out` (rows of `k` class numbers).
#[inline(always)]
pub(super) fn rank_rows<T: Logit, const LANES: usize>(
    vectors: impl Vectors<T, LANES>,
    logits: &[T],
    classes: usize,
    k: usize,
    out: &mut [i32],
) {
    let mut rows = logits.chunks_exact(classes);
    if k > LISTED_K {
        let mut scratch = Vec::with_capacity(classes);
        rows.zip(out.chunks_exact_mut(k))
            .for_each(|(row, best)| rank_sorted(row, &mut scratch, best));
        return;
    }
    let Some(mut row) = rows.next() else { return };
    let (mut maxima, mut maxima_after) = (Vec::new(), Vec::new());
    let blocks = row.as_chunks::<LANES>().0.chunks(BLOCK);
    maxima.extend(blocks.map(|block| vectors.maxima(block)));
    for best in out.chunks_exact_mut(k) {
        let after = rows.next().unwrap_or_default();
        rank_listed(vectors, row, &maxima, after, &mut maxima_after, best);
        row = after;
        std::mem::swap(&mut maxima, &mut maxima_after);
    }
}

/// Ranks a row whose maxima are known, and finds those of the row `after` it, a block of each in
/// turn: so memory is read at a steady pace while branches are missed.
#[inline(always)]
fn rank_listed<T: Logit, const LANES: usize>(
    vectors: impl Vectors<T, LANES>,
    row: &[T],
    maxima: &[[T::Key; LANES]],
    after: &[T],
    maxima_after: &mut Vec<[T::Key; LANES]>,
    out: &mut [i32],
) {
    let (whole, tail) = row.as_chunks::<LANES>();
    let mut blocks_after = after.as_chunks::<LANES>().0.chunks(BLOCK);
    maxima_after.clear();
    let mut best = Candidates::<T>::new(out.len(), bound::<T, LANES>(maxima, out.len()));
    for ((number, block), maxima) in whole.chunks(BLOCK).enumerate().zip(maxima) {
        if let Some(block) = blocks_after.next() {
            maxima_after.push(vectors.maxima(block));
        }
        if any_above(maxima, best.limit) {
            offer_block(vectors, block, number * BLOCK * LANES, &mut best);
        }
    }
    for (lane, logit) in tail.iter().enumerate() {
        best.offer(logit.key(), whole.len() * LANES + lane);
    }
    best.order();
    out.copy_from_slice(&best.classes[..out.len()]);
    if best.held < out.len() {
        // Fewer numbers than k: the NaNs follow, by rising class number.
        let nans = (0..)
            .zip(row)
            .filter(|(_, logit)| logit.key() <= T::NAN_KEY);
        for (slot, (class, _)) in out[best.held..].iter_mut().zip(nans) {
            *slot = class;
        }
    }
}

/// Offers those logits of a block that are above the limit; the first is that of class `first`.
#[inline(always)]
fn offer_block<T: Logit, const LANES: usize>(
    vectors: impl Vectors<T, LANES>,
    block: &[[T; LANES]],
    first: usize,
    best: &mut Candidates<T>,
) {
    for (number, vector) in block.iter().enumerate() {
        let mut above = vectors.above(vector, best.limit);
        while above != 0 {
            let lane = above.trailing_zeros() as usize;
            best.offer(vector[lane].key(), first + number * LANES + lane);
            above &= above - 1;
        }
    }
}

#[inline(always)]
fn any_above<K: Copy + Ord, const LANES: usize>(keys: &[K; LANES], limit: K) -> bool {
    let mut above = false;
    for &key in keys {
        above |= key > limit;
    }
    above
}

/// A key that at least `k` logits exceed, close to the k-th best; `NAN_KEY` where there is none.
///
/// The maxima are folded into about twice `k` groups. Each of the k best group maxima is a logit
/// of its own, so at least k logits reach the k-th best of them.
#[inline(always)]
fn bound<T: Logit, const LANES: usize>(maxima: &[[T::Key; LANES]], k: usize) -> T::Key {
    let groups = (2 * k).div_ceil(LANES).min(maxima.len());
    if groups * LANES < k {
        return T::NAN_KEY;
    }
    let mut folded = [[T::LOWEST_KEY; LANES]; GROUPS];
    let folded = &mut folded[..groups];
    for some in maxima.chunks(groups) {
        for (into, from) in folded.iter_mut().zip(some) {
            for lane in 0..LANES {
                into[lane] = into[lane].max(from[lane]);
            }
        }
    }
    let folded = folded.as_flattened();
    let mut bound = T::LOWEST_KEY;
    for &candidate in folded {
        let mut reached = 0_u32;
        for &other in folded {
            reached += u32::from(other >= candidate);
        }
        if reached as usize >= k {
            bound = bound.max(candidate);
        }
    }
    if bound <= T::NAN_KEY {
        T::NAN_KEY
    } else {
        T::below(bound)
    }
}

/// The classes that may still be among the k best, and the key that another must exceed.
struct Candidates<T: Logit> {
    keys: [T::Key; CANDIDATES],
    classes: [i32; CANDIDATES],
    held: usize,
    k: usize,
    limit: T::Key,
}

impl<T: Logit> Candidates<T> {
    #[inline(always)]
    fn new(k: usize, limit: T::Key) -> Self {
        Self {
            keys: [T::LOWEST_KEY; CANDIDATES],
            classes: [0; CANDIDATES],
            held: 0,
            k,
            limit,
        }
    }

    /// Takes `class` in if it may be among the best; classes must come in rising order.
    #[inline(always)]
    fn offer(&mut self, key: T::Key, class: usize) {
        if key <= self.limit {
            return;
        }
        if self.held == CANDIDATES {
            self.order();
            self.held = self.k;
            self.limit = self.keys[self.k - 1];
            if key <= self.limit {
                return;
            }
        }
        self.keys[self.held] = T::shared(key);
        self.classes[self.held] = class as i32;
        self.held += 1;
    }

    /// Puts the best first; of equals, the one that came first.
    #[inline(always)]
    fn order(&mut self) {
        if self.held > PAIRED {
            return self.sort();
        }
        let mut places = [0_usize; PAIRED];
        for later in 1..self.held {
            for earlier in 0..later {
                let kept = self.keys[earlier] >= self.keys[later];
                places[later] += usize::from(kept);
                places[earlier] += usize::from(!kept);
            }
        }
        let (keys, classes) = (self.keys, self.classes);
        for (from, &to) in places[..self.held].iter().enumerate() {
            self.keys[to] = keys[from];
            self.classes[to] = classes[from];
        }
    }

    #[inline(never)]
    fn sort(&mut self) {
        let mut pairs = [(Reverse(T::LOWEST_KEY), 0); CANDIDATES];
        let pairs = &mut pairs[..self.held];
        for (pair, (&key, &class)) in pairs.iter_mut().zip(self.keys.iter().zip(&self.classes)) {
            *pair = (Reverse(key), class);
        }
        pairs.sort_unstable();
        for (place, &(Reverse(key), class)) in pairs.iter().enumerate() {
            self.keys[place] = key;
            self.classes[place] = class;
        }
    }
}

/// Ranks a row for large k: all that may be among the best to the front, then those in order.
#[inline(always)]
fn rank_sorted<T: Logit>(row: &[T], scratch: &mut Vec<(Reverse<T::Key>, i32)>, out: &mut [i32]) {
    scratch.clear();
    scratch.extend(
        row.iter()
            .map(|logit| Reverse(T::shared(logit.key())))
            .zip(0..),
    );
    if out.len() < row.len() {
        scratch.select_nth_unstable(out.len());
    }
    let best = &mut scratch[..out.len()];
    best.sort_unstable();
    for (slot, &mut (_, class)) in out.iter_mut().zip(best) {
        *slot = class;
    }
}

//! Turns one image after the other into the counts that a score is made of.
//!
//! The label is a number, or a text in the competition's own script.

use std::collections::HashMap;
use std::hash::Hash;

use super::truth::Usage;
use crate::error::{Error, Result};

/// How many images there were, and for how many no label was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Images.
    pub n: u64,
    /// Images whose first label is wrong.
    pub wrong_top_1: u64,
    /// Images whose first k labels are all wrong.
    pub wrong_top_k: u64,
}

impl Tally {
    /// Counts one image, whose true label is at `place` of its labels.
    pub(super) fn count(&mut self, place: Option<usize>) {
        self.n += 1;
        self.wrong_top_1 += u64::from(place != Some(0));
        self.wrong_top_k += u64::from(place.is_none());
    }

    /// Counts the images of another tally too.
    pub(super) fn add(&mut self, other: Self) {
        self.n += other.n;
        self.wrong_top_1 += other.wrong_top_1;
        self.wrong_top_k += other.wrong_top_k;
    }

    /// The top-1 and the top-k error: 0 is best; 1 where there is no image, as in the
    /// competition's script.
    pub fn errors(&self) -> [f64; 2] {
        [self.wrong_top_1, self.wrong_top_k].map(|wrong| {
            if self.n == 0 {
                1.0
            } else {
                wrong as f64 / self.n as f64
            }
        })
    }
}

/// The counts of a submission; `Label` is a number, or a text in the competition's script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score<Label = i32> {
    /// All images.
    pub all: Tally,
    /// Of every place among the k labels, how many images have their true label there.
    pub places: Vec<u64>,
    /// Those of the public part, where the truth tells the parts.
    pub public: Option<Tally>,
    /// Those of the private part, where the truth tells the parts.
    pub private: Option<Tally>,
    /// The images of each true label, by rising label.
    pub by_class: Vec<(Label, Tally)>,
    /// How many images of a group (row) have a first label of a group (column), row after row;
    /// behind the groups one for labels that are in none. Empty without groups.
    pub confusion: Vec<u64>,
}

/// The group (super category) that each label belongs to.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    pub(super) labels: Vec<i64>,
    of: Vec<usize>,
    n: usize,
}

impl Groups {
    /// Label `labels[i]` belongs to group `groups[i]`, which is below `n`.
    pub fn new(labels: &[i64], groups: &[usize], n: usize) -> Result<Self> {
        let cells = n.checked_add(1).and_then(|n| n.checked_mul(n));
        if labels.len() != groups.len()
            || groups.iter().any(|&group| group >= n)
            || cells.is_none_or(|cells| cells > GROUP_CELLS)
        {
            return Err(Error::argument(format!(
                "expected for each of {} labels a group below {n}, of at most {}",
                labels.len(),
                GROUP_CELLS.isqrt() - 1
            )));
        }
        Ok(Self {
            labels: labels.to_vec(),
            of: groups.to_vec(),
            n,
        })
    }

    /// The table of groups for labels as the scorer compares them.
    pub(super) fn table<Label: Hash + Eq>(
        &self,
        labels: impl Iterator<Item = Label>,
    ) -> Confusion<Label> {
        Confusion {
            of: labels.zip(self.of.iter().copied()).collect(),
            n: self.n,
            counts: vec![0; (self.n + 1) * (self.n + 1)],
        }
    }
}

/// How many images of a group have a first label of a group.
#[derive(Debug)]
pub(super) struct Confusion<Label> {
    of: HashMap<Label, usize>,
    n: usize,
    counts: Vec<u64>,
}

impl<Label: Hash + Eq> Confusion<Label> {
    fn add(&mut self, label: &Label, first: &Label) {
        let [row, column] = [label, first].map(|label| *self.of.get(label).unwrap_or(&self.n));
        self.counts[row * (self.n + 1) + column] += 1;
    }
}

/// Most cells of a table of groups: 14 super categories need 225.
const GROUP_CELLS: usize = 1 << 24;

/// Adds up images while a submission is read.
#[derive(Debug)]
pub(super) struct Count<Label> {
    confusion: Option<Confusion<Label>>,
    places: Vec<u64>,
    all: Tally,
    parts: [Tally; 2],
    has_parts: bool,
    by_class: HashMap<Label, Tally>,
}

impl<Label: Ord + Hash + Copy> Count<Label> {
    /// Counts the first `k` labels of each image.
    pub(super) fn new(k: usize, has_parts: bool, confusion: Option<Confusion<Label>>) -> Self {
        Self {
            confusion,
            places: vec![0; k],
            all: Tally::default(),
            parts: Default::default(),
            has_parts,
            by_class: HashMap::new(),
        }
    }

    /// Counts an image with the true label `label` and these k predicted ones.
    pub(super) fn add(&mut self, label: Label, usage: Option<Usage>, predicted: &[Label]) {
        let place = predicted.iter().position(|&predicted| predicted == label);
        self.all.count(place);
        if let Some(place) = place {
            self.places[place] += 1;
        }
        if let (Some(confusion), Some(first)) = (&mut self.confusion, predicted.first()) {
            confusion.add(&label, first);
        }
        if let Some(usage) = usage {
            self.parts[usize::from(usage == Usage::Private)].count(place);
        }
        self.by_class.entry(label).or_default().count(place);
    }

    pub(super) fn score(self) -> Score<Label> {
        let [public, private] = self.parts.map(|part| self.has_parts.then_some(part));
        let mut by_class: Vec<_> = self.by_class.into_iter().collect();
        by_class.sort_unstable_by_key(|&(label, _)| label);
        Score {
            all: self.all,
            places: self.places,
            confusion: self.confusion.map_or_else(Vec::new, |table| table.counts),
            public,
            private,
            by_class,
        }
    }
}

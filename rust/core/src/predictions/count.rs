//! Turns one image after the other into the counts that a score is made of.
//!
//! The label is a number, or a text in the competition's own script.

use std::collections::{BTreeMap, HashMap};
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
pub struct Groups<Label> {
    of: HashMap<Label, usize>,
    n: usize,
}

impl<Label: Hash + Eq> Groups<Label> {
    /// Label i belongs to group `groups[i]`, which is below `n`.
    fn new(labels: impl Iterator<Item = Label>, groups: &[usize], n: usize) -> Result<Self> {
        let cells = n.checked_add(1).and_then(|n| n.checked_mul(n));
        if groups.iter().any(|&group| group >= n) || cells.is_none_or(|cells| cells > GROUP_CELLS) {
            return Err(Error::argument(format!(
                "expected groups below {n}, of at most {} for a table of them",
                GROUP_CELLS.isqrt() - 1
            )));
        }
        let of = labels.zip(groups.iter().copied()).collect();
        Ok(Self { of, n })
    }

    fn cells(&self) -> usize {
        (self.n + 1) * (self.n + 1)
    }

    fn cell(&self, label: &Label, first: &Label) -> usize {
        let [row, column] = [label, first].map(|label| *self.of.get(label).unwrap_or(&self.n));
        row * (self.n + 1) + column
    }
}

impl Groups<i32> {
    /// Of numbers; those that cannot be a label are left out.
    pub fn of_numbers(labels: &[i64], groups: &[usize], n: usize) -> Result<Self> {
        // No label is negative.
        let labels = labels.iter();
        let labels = labels.map(|&label| i32::try_from(label).unwrap_or(-1));
        Self::new(labels, groups, n)
    }
}

impl Groups<String> {
    /// Of the texts of numbers.
    pub fn of_texts(labels: &[i64], groups: &[usize], n: usize) -> Result<Self> {
        Self::new(labels.iter().map(ToString::to_string), groups, n)
    }
}

/// Most cells of a table of groups: 14 super categories need 225.
const GROUP_CELLS: usize = 1 << 24;

/// Adds up images while a submission is read.
#[derive(Debug)]
pub(super) struct Count<'a, Label> {
    groups: Option<&'a Groups<Label>>,
    confusion: Vec<u64>,
    places: Vec<u64>,
    all: Tally,
    parts: [Tally; 2],
    has_parts: bool,
    by_class: BTreeMap<Label, Tally>,
}

impl<'a, Label: Ord + Hash + Clone> Count<'a, Label> {
    /// Counts the first `k` labels of each image.
    pub(super) fn new(k: usize, has_parts: bool, groups: Option<&'a Groups<Label>>) -> Self {
        Self {
            groups,
            confusion: vec![0; groups.map_or(0, Groups::cells)],
            places: vec![0; k],
            all: Tally::default(),
            parts: Default::default(),
            has_parts,
            by_class: BTreeMap::new(),
        }
    }

    /// Counts an image with the true label `label` and these k predicted ones.
    pub(super) fn add(&mut self, label: &Label, usage: Option<Usage>, predicted: &[Label]) {
        let place = predicted.iter().position(|predicted| predicted == label);
        self.all.count(place);
        if let Some(place) = place {
            self.places[place] += 1;
        }
        if let (Some(groups), Some(first)) = (self.groups, predicted.first()) {
            self.confusion[groups.cell(label, first)] += 1;
        }
        if let Some(usage) = usage {
            self.parts[usize::from(usage == Usage::Private)].count(place);
        }
        match self.by_class.get_mut(label) {
            Some(tally) => tally.count(place),
            None => self.by_class.entry(label.clone()).or_default().count(place),
        }
    }

    pub(super) fn score(self) -> Score<Label> {
        let [public, private] = self.parts.map(|part| self.has_parts.then_some(part));
        Score {
            all: self.all,
            places: self.places,
            confusion: self.confusion,
            public,
            private,
            by_class: self.by_class.into_iter().collect(),
        }
    }
}

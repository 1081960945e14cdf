//! Turns detections and a ground truth into the measures of every class and their means.

use crate::error::{Error, Result};
use crate::limits;

use super::accumulate::{self, Class, Measures, falling};
use super::ground_truth::{GroundTruth, TrueBox};
use super::matching::{Candidate, Matching};
use super::results::Detections;

/// What a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// A category.
    Species,
    /// A super category.
    Super,
    /// Whatever there is: boxes are found, not told apart (`useCats=0`).
    Any,
}

impl std::str::FromStr for Granularity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "species" => Ok(Self::Species),
            "super" => Ok(Self::Super),
            "any" => Ok(Self::Any),
            _ => Err(Error::argument(format!(
                "expected granularity `species`, `super` or `any`, found `{text}`"
            ))),
        }
    }
}

/// How to score.
#[derive(Clone, Debug)]
pub struct Options {
    granularity: Granularity,
    half: bool,
    max_dets: Vec<usize>,
}

impl Options {
    /// Options that make sense together.
    ///
    /// `half`: whether a detection's area is half of its box, as that of the true boxes is.
    /// `max_dets`: recall is measured at these numbers of detections an image and class; the
    /// largest one bounds everything.
    pub fn new(granularity: Granularity, half: bool, max_dets: &[usize]) -> Result<Self> {
        let mut sorted = max_dets.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.is_empty() || sorted.len() < max_dets.len() || sorted[0] == 0 {
            return Err(Error::argument(format!(
                "expected `max_dets` of different numbers of 1 or more, found {max_dets:?}"
            )));
        }
        Ok(Self {
            granularity,
            half,
            max_dets: sorted,
        })
    }

    /// The numbers of detections, rising.
    pub fn max_dets(&self) -> &[usize] {
        &self.max_dets
    }
}

/// One class that has a true box.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScore {
    /// The category's row, the super category's number, or 0.
    pub number: u32,
    /// Its true boxes.
    pub boxes: u64,
    /// Its detections, all that there are.
    pub detections: u64,
    /// The measures.
    pub measures: Measures,
}

/// The measures of every class, and their means.
#[derive(Clone, Debug)]
pub struct BoxScore {
    /// Every class that has a true box, by rising number.
    pub classes: Vec<ClassScore>,
    /// The mean over the classes.
    pub mean: Measures,
    /// For species, the super categories that have a class: number (of
    /// [`GroundTruth::supercategories`]), rows of `classes`, and the mean over these.
    pub means: Vec<(u32, Vec<usize>, Measures)>,
}

/// Rows in the order of their class: those of class i are `order[starts[i]..starts[i + 1]]`.
struct Grouped {
    starts: Vec<usize>,
    order: Vec<u32>,
}

impl Grouped {
    fn new(classes: impl Iterator<Item = u32> + Clone, count: usize) -> Self {
        let mut starts = vec![0; count + 1];
        for class in classes.clone() {
            starts[class as usize + 1] += 1;
        }
        for class in 0..count {
            starts[class + 1] += starts[class];
        }
        let mut next = starts.clone();
        let mut order = vec![0; starts[count]];
        for (class, row) in classes.zip(0..) {
            order[next[class as usize]] = row;
            next[class as usize] += 1;
        }
        Self { starts, order }
    }

    fn of(&mut self, class: usize) -> &mut [u32] {
        &mut self.order[self.starts[class]..self.starts[class + 1]]
    }
}

/// Scores `detections`, which were read for `truth`.
pub fn score(detections: &Detections, truth: &GroundTruth, options: &Options) -> Result<BoxScore> {
    let max_dets = options.max_dets();
    check(truth, options.granularity)?;
    let (supercategories, super_of) = truth.supercategories();
    let (class_of, count): (Vec<u32>, usize) = match options.granularity {
        Granularity::Species => ((0..super_of.len() as u32).collect(), super_of.len()),
        Granularity::Super => (super_of.clone(), supercategories.len()),
        Granularity::Any => (vec![0; super_of.len()], 1),
    };
    let class = |&category: &u32| class_of[category as usize];
    let mut found = Grouped::new(detections.categories.iter().map(class), count);
    let mut wanted = Grouped::new(truth.boxes.iter().map(|one| class(&one.category)), count);
    let mut run = Run {
        detections,
        truth,
        options,
        most: max_dets[max_dets.len() - 1],
        matching: Matching::default(),
        class: Class::default(),
    };
    let mut classes = Vec::new();
    for number in 0..count {
        let (found, wanted) = (found.of(number), wanted.of(number));
        if wanted.is_empty() {
            continue;
        }
        run.class(found, wanted)?;
        classes.push(ClassScore {
            number: number as u32,
            boxes: wanted.len() as u64,
            detections: found.len() as u64,
            measures: run.class.measures(max_dets),
        });
    }
    let length = accumulate::length(max_dets.len());
    let mean = Measures::mean(classes.iter().map(|class| &class.measures), length);
    let means = match options.granularity {
        Granularity::Species => means(&classes, &super_of, supercategories.len(), length),
        _ => Vec::new(),
    };
    Ok(BoxScore {
        classes,
        mean,
        means,
    })
}

/// The means over the classes of each super category.
fn means(
    classes: &[ClassScore],
    super_of: &[u32],
    count: usize,
    length: usize,
) -> Vec<(u32, Vec<usize>, Measures)> {
    let numbers = classes.iter().map(|class| super_of[class.number as usize]);
    let mut grouped = Grouped::new(numbers, count);
    let mut means = Vec::new();
    for number in 0..count {
        let rows = grouped.of(number).iter().map(|&row| row as usize);
        let rows: Vec<usize> = rows.collect();
        if !rows.is_empty() {
            let measures = rows.iter().map(|&row| &classes[row].measures);
            let mean = Measures::mean(measures, length);
            means.push((number as u32, rows, mean));
        }
    }
    means
}

/// Refuses a ground truth that cannot be scored against.
fn check(truth: &GroundTruth, granularity: Granularity) -> Result<()> {
    let above = &truth.categories.supercategories;
    let nameless = |one: &&TrueBox| above.get(one.category as usize).is_empty();
    if granularity == Granularity::Super
        && let Some(one) = truth.boxes.iter().find(nameless)
    {
        return Err(truth.error(
            one,
            &format!(
                "is of category {}, which has no `supercategory`",
                truth.categories.ids[one.category as usize]
            ),
        ));
    }
    if truth.boxes.is_empty() {
        return Err(Error::annotation("there is no true box to score against"));
    }
    match truth.boxes.iter().find(|one| one.area.is_nan()) {
        Some(one) => Err(truth.error(one, "has no `area`, which decides whether a box is small")),
        None => Ok(()),
    }
}

/// The scoring of one class after the other.
struct Run<'a> {
    detections: &'a Detections,
    truth: &'a GroundTruth,
    options: &'a Options,
    most: usize,
    matching: Matching,
    class: Class,
}

impl Run<'_> {
    /// Matches the detections and true boxes of one class, image by image.
    fn class(&mut self, found: &mut [u32], wanted: &mut [u32]) -> Result<()> {
        self.class.clear();
        self.sort(found, wanted);
        let (mut found, mut wanted): (&[u32], &[u32]) = (found, wanted);
        let mut candidates = Vec::new();
        let mut truths: Vec<&TrueBox> = Vec::new();
        let truth = self.truth;
        while let Some(image) = self.next_image(found, wanted) {
            let (of_image, rest) = split(found, |row| self.detections.images[row] == image);
            found = rest;
            let first = of_image.iter().take(self.most);
            candidates.clear();
            candidates.extend(first.map(|&row| self.candidate(row as usize)));
            let (of_image, rest) = split(wanted, |row| truth.boxes[row].image == image);
            wanted = rest;
            truths.clear();
            truths.extend(of_image.iter().map(|&row| &truth.boxes[row as usize]));
            if candidates.len().saturating_mul(truths.len()) > limits::BOX_PAIRS {
                return Err(truth.error(
                    truths[0],
                    &format!(
                        "is one of {} boxes of a class in its image, too many to compare with {} \
                         detections",
                        truths.len(),
                        candidates.len()
                    ),
                ));
            }
            self.class.count(&truths);
            self.matching
                .image(&candidates, &truths, &mut self.class.outcomes);
        }
        Ok(())
    }

    /// By image; detections by falling score. What is equal stays in the order of the file, but
    /// without categories `COCOeval` goes through them by id.
    fn sort(&self, found: &mut [u32], wanted: &mut [u32]) {
        let any = self.options.granularity == Granularity::Any;
        let detections = self.detections;
        let category = |row: usize| if any { detections.categories[row] } else { 0 };
        found.sort_unstable_by(|&first, &second| {
            let [a, b] = [first as usize, second as usize];
            detections.images[a]
                .cmp(&detections.images[b])
                .then_with(|| falling(detections.scores[a], detections.scores[b]))
                .then_with(|| category(a).cmp(&category(b)))
                .then(a.cmp(&b))
        });
        if any {
            let boxes = &self.truth.boxes;
            wanted.sort_by_key(|&row| (boxes[row as usize].image, boxes[row as usize].category));
        }
    }

    fn next_image(&self, found: &[u32], wanted: &[u32]) -> Option<u32> {
        let found = found
            .first()
            .map(|&row| self.detections.images[row as usize]);
        let wanted = wanted
            .first()
            .map(|&row| self.truth.boxes[row as usize].image);
        found.into_iter().chain(wanted).min()
    }

    fn candidate(&self, row: usize) -> Candidate {
        let sides = self.detections.sides[row];
        let area = sides[2] * sides[3];
        Candidate {
            sides,
            area: if self.options.half { area / 2.0 } else { area },
            score: self.detections.scores[row],
        }
    }
}

/// Splits before the first row for which `belongs` is false.
fn split(rows: &[u32], belongs: impl Fn(usize) -> bool) -> (&[u32], &[u32]) {
    let end = rows.iter().position(|&row| !belongs(row as usize));
    rows.split_at(end.unwrap_or(rows.len()))
}

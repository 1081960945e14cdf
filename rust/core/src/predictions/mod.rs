//! Turns logits into labels, labels into a submission, a submission into a score.

/// PLACEHOLDER
#[derive(Debug)]
pub struct Submission {}

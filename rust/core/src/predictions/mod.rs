//! Turns logits into labels, labels into a submission, a submission into a score.
//!
//! | file | what it turns into what |
//! |---|---|
//! | [`mod@top_k`] | logits into the k best class numbers of every row |
//! | [`submission`] | image ids and labels into the competition's CSV file, and back |
//! | [`truth`] | a solution file into the true label of every image |
//! | [`mod@score`] | a submission and the truth into error rates |
//! | [`official`] | the same, as the competition's own script counts |

mod csv_lines;
mod logit;
pub mod official;
mod ranking;
pub mod score;
pub mod submission;
pub mod top_k;
#[cfg(target_arch = "x86_64")]
mod top_k_avx2;
pub mod truth;

pub use score::{Score, Tally};
pub use submission::Submission;
pub use top_k::{Logits, top_k};
pub use truth::Truth;

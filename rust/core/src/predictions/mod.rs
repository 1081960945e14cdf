//! Turns logits into labels, labels into a submission, a submission into a score.
//!
//! | file | what it turns into what |
//! |---|---|
//! | [`mod@top_k`] | logits into the k best class numbers of every row |
//! | [`format`](mod@format) | the year of a release into the form of its submissions |
//! | [`rules`] | what is known of a competition into what a row must be |
//! | [`submission`] | image ids and labels into the competition's CSV file, and back |
//! | `whole_file` | what is written into a file that is whole, or not there |
//! | [`inspection`] | a submission file into everything that is wrong with it |
//! | [`truth`] | a solution file into the true label of every image |
//! | [`count`] | one image after the other into the counts of a score |
//! | [`mod@score`] | a submission and the truth into error rates |
//! | [`bootstrap`] | the number of wrong images into an interval |
//! | [`official`] | the same, as the competition's own script counts |
//! | `python_csv` | a CSV file into fields, as that script reads it |
//! | `python_text` | a file into text, likewise |

pub mod bootstrap;
pub mod count;
mod csv_lines;
pub mod format;
pub mod inspection;
mod lines;
mod logit;
pub mod official;
mod python_csv;
mod python_text;
mod ranking;
pub mod rules;
pub mod score;
pub mod submission;
pub mod top_k;
#[cfg(target_arch = "x86_64")]
mod top_k_avx2;
pub mod truth;
mod whole_file;

pub use count::{Groups, Score, Tally};
pub use rules::{Images, Rules};
pub use submission::Submission;
pub use top_k::{Logits, top_k};
pub use truth::Truth;

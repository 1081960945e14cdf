//! Turns a data set into batches: in order, in parallel, the same for any number of threads.

/// PLACEHOLDER
#[derive(Debug)]
pub struct Loader {}

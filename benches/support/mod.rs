//! What the benchmarks have in common: the subjects that are measured.

pub(crate) mod apps;
pub(crate) mod keys;
pub(crate) mod subjects;

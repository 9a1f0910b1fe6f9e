//! What the benchmarks have in common: the subjects that are measured.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod apps;
pub(crate) mod keys;
pub(crate) mod subjects;

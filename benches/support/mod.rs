//! The subjects that the benchmarks measure.

#![allow(dead_code, reason = "no benchmark uses all of it")]

pub(crate) mod apps;
pub(crate) mod introspection;
pub(crate) mod keys;
pub(crate) mod subjects;

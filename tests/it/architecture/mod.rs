//! Imports between the files of `src/` run downward, and never in a circle.

mod circles;
mod floors;
mod graph;
mod source;

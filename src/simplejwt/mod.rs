//! A service beside Django: what SimpleJWT reads, answers and writes.

mod database;

pub use database::{DjangoDatabase, DjangoStore, DjangoUser, DjangoUsers, Outstanding, UserTable};

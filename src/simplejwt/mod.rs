//! A service beside Django: what SimpleJWT reads, answers and writes.

//! Revoked ids in a table whose rows are cache lines.

use crate::clock::NumericDate;

use super::digest::Digest;

/// How many ids have room in a line.
const WAYS: usize = 8;
/// How many ids a line holds on average when the table is full. In one of seven lines more than
/// [`WAYS`] belong together then, and in one of twenty-five when it has just grown.
const LOAD: usize = 6;
/// Seconds until the end of the year 9999 take so many bits.
const TIME_BITS: u32 = 38;
const TIME: u64 = (1 << TIME_BITS) - 1;
const SPILLED: u64 = 1 << 63;

/// Ids of one user, or of a few, so that one look into memory tells of all that a token has. Each
/// is the [fingerprint](Digest::fingerprint) of its digest, or 0. The topmost bit of the first one
/// tells whether something had no room.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line([u64; WAYS]);

const EMPTY: &Line = &Line([0; WAYS]);

impl Line {
    pub(super) fn lists(&self, id: Digest) -> bool {
        self.fingerprints().fold(false, |listed, known| listed | (known == id.fingerprint()))
    }

    /// Whether there may be an id of the user to whom this one belongs.
    pub(super) fn may_mention(&self, id: Digest) -> bool {
        let is_of_user = |known| Digest::are_of_one_user(known, id.fingerprint());
        self.fingerprints().fold(self.has_spilled(), |found, known| found | is_of_user(known))
    }

    /// Whether ids that belong here had no room.
    pub(super) const fn has_spilled(&self) -> bool {
        self.0[0] & SPILLED != 0
    }

    fn find(&self, fingerprint: u64) -> Option<usize> {
        self.fingerprints().position(|known| known == fingerprint)
    }

    fn fingerprints(&self) -> impl Iterator<Item = u64> {
        self.0.into_iter().map(|fingerprint| fingerprint & !SPILLED)
    }
}

/// What is rarely asked of each id in a line: until when it must be remembered and, in the bits
/// above, its [place](Digest::place).
type Rests = [u64; WAYS];

/// The lines, of which each user has one.
#[derive(Default)]
pub(super) struct Lines {
    /// Kept apart from all else, so that as many as possible stay in the processor's cache.
    lines: Box<[Line]>,
    rests: Box<[Rests]>,
    len: usize,
}

impl Lines {
    /// With room for so many ids of different users, but for a few.
    pub(super) fn for_entries(entries: usize) -> Self {
        let lines = entries.div_ceil(LOAD);
        let (lines, rests) = (vec![Line::default(); lines], vec![[0; WAYS]; lines]);
        Self { lines: lines.into(), rests: rests.into(), len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len >= self.lines.len() * LOAD
    }

    /// The line of the user to whom an id belongs.
    pub(super) fn line(&self, id: Digest) -> &Line {
        self.lines.get(id.place_among(self.lines.len())).unwrap_or(EMPTY)
    }

    /// Extends the time for which an id is remembered, if it is in its line.
    pub(super) fn extend(&mut self, id: Digest, keep_until: NumericDate) -> bool {
        let place = id.place_among(self.lines.len());
        let Some(way) = self.line(id).find(id.fingerprint()) else { return false };
        if let Some(rest) = self.rests.get_mut(place).and_then(|rests| rests.get_mut(way)) {
            *rest = (*rest & !TIME) | (*rest & TIME).max(keep_until.as_secs());
        }
        true
    }

    /// Adds an id that is not in its line, if it has room there.
    pub(super) fn insert(&mut self, id: Digest, keep_until: NumericDate) -> bool {
        let place = id.place_among(self.lines.len());
        let way = self.line(id).find(0);
        let (Some(line), Some(rests)) = (self.lines.get_mut(place), self.rests.get_mut(place))
        else {
            return false;
        };
        let Some(way) = way else {
            line.0[0] |= SPILLED;
            return false;
        };
        line.0[way] |= id.fingerprint();
        rests[way] = u64::from(id.place()) << TIME_BITS | keep_until.as_secs();
        self.len += 1;
        true
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Digest, NumericDate)> {
        let lines = self.lines.iter().zip(&self.rests);
        let all = lines.flat_map(|(line, rests)| line.fingerprints().zip(*rests));
        all.filter(|(fingerprint, _)| *fingerprint != 0).map(|(fingerprint, rest)| {
            let id = Digest::new(fingerprint, (rest >> TIME_BITS) as u32);
            (id, NumericDate::from_secs(rest & TIME))
        })
    }
}

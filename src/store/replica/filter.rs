//! What may be revoked, in so few bits that all of it stays close to the processor.

use super::digest::Digest;

/// For how many entries there is a block. Of the users of whom there is nothing one in five is taken
/// for another one when it is full, and of ids one in twenty-five; half as many when it was just made.
const LOAD: usize = 48;
const WORDS: usize = 8;

/// A cache line, in which each entry of some users has set six bits: two that belong to the user,
/// four to the entry.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Block([u64; WORDS]);

impl Block {
    /// Whether there may be an entry of the user to whom this one belongs.
    pub(super) const fn may_mention(&self, id: Digest) -> bool {
        self.has(user_bit(id, 0)) && self.has(user_bit(id, 1))
    }

    /// Whether there may be this one.
    pub(super) const fn may_list(&self, id: Digest) -> bool {
        self.has(bit(id, 0)) & self.has(bit(id, 1)) & self.has(bit(id, 2)) & self.has(bit(id, 3))
    }

    const fn has(&self, bit: usize) -> bool {
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// A Bloom filter in blocks, of which each user has one.
#[derive(Default)]
pub(super) struct Filter(Box<[Block]>);

impl Filter {
    /// For so many entries. For a few there is no block, and it is of no use.
    pub(super) fn for_entries(entries: usize) -> Self {
        Self(vec![Block([0; WORDS]); entries / LOAD].into())
    }

    /// The block of the user to whom an id belongs.
    pub(super) fn block(&self, id: Digest) -> Option<&Block> {
        self.0.get(id.place_among(self.0.len()))
    }

    pub(super) fn add(&mut self, id: Digest) {
        let place = id.place_among(self.0.len());
        let Some(block) = self.0.get_mut(place) else { return };
        let bits =
            [user_bit(id, 0), user_bit(id, 1), bit(id, 0), bit(id, 1), bit(id, 2), bit(id, 3)];
        for bit in bits {
            block.0[bit / 64] |= 1 << (bit % 64);
        }
    }
}

/// One in the first half of a block, one in the second.
const fn user_bit(id: Digest, number: u32) -> usize {
    (id.user_bits() >> (8 * number)) as usize % 256 + 256 * number as usize
}

const fn bit(id: Digest, number: u32) -> usize {
    (id.fingerprint() >> (9 * number)) as usize % 512
}

use aws_lc_rs::digest::{SHA256, digest};

use super::{normalize::normalize, python};

/// A list of common passwords that are rejected.
///
/// The lists are part of the program, 629 KB of read-only data: the first five bytes of the SHA-256
/// digest of each password, sorted. A lookup hashes the password and searches the list, which takes
/// no memory and no preparation. Of ten million passwords that are not in a list, one is rejected
/// as well. The folder `src/password/rules/lists` describes the sources and licenses of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocklist {
    /// No list.
    Off,
    /// The 100,000 commonest passwords of [SecLists], those with at least 15 characters among the
    /// million commonest, and [Django](Self::Django)'s. Upper and lower case, the forms of a
    /// character that NFKC unifies, and surrounding whitespace make no difference.
    ///
    /// [SecLists]: https://github.com/danielmiessler/SecLists
    Common,
    /// The 19,640 passwords of Django's `CommonPasswordValidator`, compared as Django does: upper
    /// and lower case and surrounding whitespace make no difference.
    Django,
}

impl Blocklist {
    pub(super) fn contains(self, password: &str) -> bool {
        match self {
            Self::Off => false,
            Self::Common => {
                let password = normalize(password);
                is_listed(COMMON, &password) || is_listed(DJANGO, &password)
            }
            Self::Django => {
                let password = zeroize::Zeroizing::new(password.to_lowercase());
                is_listed(DJANGO, python::strip(&password))
            }
        }
    }
}

const KEY_LEN: usize = 5;

static COMMON: &[u8] = include_bytes!("lists/common.bin");
static DJANGO: &[u8] = include_bytes!("lists/django.bin");

fn is_listed(list: &[u8], password: &str) -> bool {
    let digest = digest(&SHA256, password.as_bytes());
    let key = digest.as_ref().first_chunk();
    let (keys, _) = list.as_chunks::<KEY_LEN>();
    key.is_some_and(|key| keys.binary_search(key).is_ok())
}

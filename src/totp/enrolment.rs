use std::fmt;

use zeroize::Zeroizing;

use crate::user::BackendError;

use super::{
    qr,
    secret::{DIGITS, STEP, base32},
};

/// The name of an account is in the QR code, which has no room for long ones.
const MAX_ACCOUNT_CHARS: usize = 64;

/// A secret that a user adds to an authenticator app, to confirm it with the first code.
///
/// Show it once. It cannot be read again. The strings are wiped from memory when dropped, the modules of
/// the QR code are not. `Debug` shows nothing.
#[must_use]
pub struct Enrolment {
    secret: Zeroizing<String>,
    uri: Zeroizing<String>,
    qr_svg: Zeroizing<String>,
}

impl Enrolment {
    pub(super) fn new(
        secret: &[u8],
        issuer: Option<&str>,
        account: &str,
    ) -> Result<Self, BackendError> {
        let secret = base32(secret);
        let uri = uri(&secret, issuer, account);
        let qr_svg = qr::svg(&uri).map_err(BackendError::unavailable)?;
        Ok(Self { secret, uri, qr_svg })
    }

    /// The secret in base32, for users who cannot scan the QR code.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The [`otpauth:` URI](https://github.com/google/google-authenticator/wiki/Key-Uri-Format), which
    /// opens an app on the same device.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The QR code of the URI, an SVG image with a white margin.
    #[must_use]
    pub fn qr_svg(&self) -> &str {
        &self.qr_svg
    }
}

fn uri(secret: &str, issuer: Option<&str>, account: &str) -> Zeroizing<String> {
    // Apps take what is before a colon as the issuer.
    let account: String =
        account.chars().map(|char| if char == ':' { '_' } else { char }).collect();
    let account: String = account.chars().take(MAX_ACCOUNT_CHARS).collect();
    let account = encoded(&account);
    let parameters = format!("algorithm=SHA1&digits={DIGITS}&period={STEP}");
    let uri = match issuer.map(encoded) {
        Some(issuer) => format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&{parameters}"
        ),
        None => format!("otpauth://totp/{account}?secret={secret}&{parameters}"),
    };
    uri.into()
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
    encoded
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment").finish_non_exhaustive()
    }
}

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// The form of a user name or an e-mail address that decides whether two are equal: Unicode NFKC with
/// all case differences removed, as in Django's comparison of e-mail addresses.
///
/// Limits on logins by name must count by this form. Otherwise each spelling of a name would have a
/// limit of its own.
///
/// ```
/// use tower_jwt_auth::user::login_key;
///
/// assert_eq!(login_key("Ada"), "ada");
/// assert_eq!(login_key("Ａｄａ"), "ada");
/// assert_eq!(login_key("Straße"), login_key("STRASSE"));
/// ```
#[must_use]
pub fn login_key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    UniCase::unicode(name.nfkc().collect::<String>()).to_folded_case()
}

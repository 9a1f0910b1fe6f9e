//! Settings that contradict each other.

use tower_jwt_auth::{
    ConfigErrorKind,
    store::SqliteStore,
    totp::{MemoryTotpStore, SqlTotpStore, Totp, TotpBuilder},
};

use super::key;

fn kind(builder: TotpBuilder) -> Option<ConfigErrorKind> {
    builder.build().err().map(|error| error.kind())
}

fn with_key(key: impl AsRef<[u8]>) -> TotpBuilder {
    Totp::builder(MemoryTotpStore::new(), key)
}

#[test]
fn weak_keys_are_rejected() {
    for weak in [&[][..], &key(1)[1..], &[key(1), key(2)].concat(), &[7; 32]] {
        assert_eq!(kind(with_key(weak)), Some(ConfigErrorKind::Key));
        assert_eq!(kind(with_key(key(1)).previous_key(weak)), Some(ConfigErrorKind::Key));
    }
    assert_eq!(kind(with_key(key(1)).previous_key(key(2))), None);
}

#[test]
fn a_key_is_given_once() {
    let twice = with_key(key(1)).previous_key(key(2)).previous_key(key(1));
    assert_eq!(kind(twice), Some(ConfigErrorKind::Conflict));
}

#[test]
fn issuers_that_apps_cannot_show_are_rejected() {
    for issuer in ["", "a:b", "a\nb", &"a".repeat(65), &"é".repeat(33)] {
        let builder = with_key(key(1)).issuer(issuer);
        assert_eq!(kind(builder), Some(ConfigErrorKind::OutOfRange), "{issuer}");
    }
    assert_eq!(kind(with_key(key(1)).issuer("Example & Söhne")), None);
}

#[tokio::test]
async fn names_of_tables_are_checked() {
    let database = SqliteStore::connect_lazy("sqlite:/nowhere/app.db").unwrap();
    let build = |name: &str| SqlTotpStore::builder(&database).table(name).build();
    for name in ["", "1a", "A", "a-b", "a;b", "pg_a", "sqlite_a", &"a".repeat(41)] {
        assert_eq!(build(name).unwrap_err().kind(), ConfigErrorKind::OutOfRange, "{name}");
    }
    build("second_factors").unwrap();
}

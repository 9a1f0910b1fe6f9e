//! Lists of common passwords.

use std::fs;

use tower_jwt_auth::password::{Blocklist, PasswordRules, UserAttributes};

use super::{codes, codes_for};
use crate::support::repository;

/// Passwords of SecLists that Django's list does not contain, by rank from 12,501 to 97,501.
const TOP: [&str; 15] = [
    "20121990",
    "dumb",
    "under",
    "06041982",
    "step",
    "1789",
    "091083",
    "shellie",
    "1Arthur",
    "Translator",
    "peacemaker",
    "Strike1",
    "p0tl8dje",
    "49merc",
    "070162",
];

/// Longer passwords, by rank up to 982,421.
const LONG: [&str; 9] = [
    "123456789987654321",
    "1qaz2wsx3edc4rfv",
    "passwordpassword",
    "010203040506070809",
    "rrrrrrrrrrrrrrr",
    "butterflies1959",
    "whiteelephant75",
    "welcomediego-rifle",
    "vscrjhjdcnhtnbvcz",
];

#[test]
fn rejects_common_passwords() {
    let rules = PasswordRules::builder().min_length(1).build().unwrap();
    for password in TOP {
        assert_eq!(codes(&rules, password), ["password_too_common"], "{password}");
    }
    for password in LONG {
        assert_eq!(codes(&PasswordRules::nist(), password), ["password_too_common"], "{password}");
    }
    // Only in Django's list.
    assert_eq!(codes(&rules, "йцукен"), ["password_too_common"]);
}

#[test]
fn forms_of_a_common_password_are_as_common() {
    let rules = PasswordRules::nist();
    for password in [
        "PasswordPassword",
        "PASSWORDPASSWORD",
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",
        "ＰＡＳＳＷＯＲＤpassword",
        "𝓹𝓪𝓼𝓼𝔀𝓸𝓻𝓭password",
        "paſſwordpaſſword",
        "  passwordpassword\t\u{3000}",
        "①②③④⑤⑥⑦⑧⑨⑨⑧⑦⑥⑤④③②①",
    ] {
        assert_eq!(codes(&rules, password), ["password_too_common"], "{password}");
    }
}

#[test]
fn compares_whole_passwords() {
    for password in ["passwordpassword?", "passwordpasswor.", "password password horse"] {
        assert_eq!(codes(&PasswordRules::nist(), password), [""; 0], "{password}");
    }
}

#[test]
fn the_list_can_be_chosen() {
    let user = UserAttributes::new().with_second_factor(true);
    let check = |blocklist, password| {
        let rules = PasswordRules::builder().blocklist(blocklist).build().unwrap();
        codes_for(&rules, password, &user)
    };
    assert_eq!(check(Blocklist::Off, "password"), [""; 0]);
    assert_eq!(check(Blocklist::Django, "password"), ["password_too_common"]);
    assert_eq!(check(Blocklist::Django, "06041982"), [""; 0]);
    assert_eq!(check(Blocklist::Common, "06041982"), ["password_too_common"]);
}

#[test]
fn the_files_are_sorted_and_small() {
    let mut size = 0;
    for (file, count) in [("common.bin", 106_176), ("django.bin", 19_640)] {
        let path = repository("src/password/rules/lists").join(file);
        let keys = fs::read(path).unwrap();
        size += keys.len();
        let (keys, rest) = keys.as_chunks::<5>();
        assert!(rest.is_empty() && keys.is_sorted_by(|a, b| a < b));
        assert_eq!(keys.len(), count);
    }
    assert!(size < 700_000);
}

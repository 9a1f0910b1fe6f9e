//! Passwords that consist of words that an attacker expects.

use tower_jwt_auth::password::{
    Blocklist, PasswordProblem, PasswordRules, Similarity, UserAttributes,
};

use super::{codes, codes_for, problems};

fn ada() -> UserAttributes {
    UserAttributes::new()
        .with_username("countess")
        .with_first_name("Ada")
        .with_last_name("Lovelace")
        .with_email("ada.king@analytical.example")
        .with_second_factor(true)
}

#[test]
fn rejects_passwords_derived_from_the_users_attributes() {
    let rules = PasswordRules::builder().blocklist(Blocklist::Off).build().unwrap();
    for (password, attribute) in [
        ("countess", "username"),
        ("COUNTESS2024", "username"),
        ("countesscountess", "username"),
        ("cøuntess!", ""),
        ("Ada Lovelace 1815", "first name"),
        ("LovelaceAda!!", "first name"),
        ("__lovelace__", "last name"),
        ("ｌｏｖｅｌａｃｅ１", "last name"),
        ("ada.king@analytical.example", "first name"),
        ("analytical", "email address"),
        ("1815lovelace1852", ""),
        ("countess kx7vq", ""),
        ("lovelace and steam", ""),
        ("adamantine engine", ""),
    ] {
        let expected = (!attribute.is_empty()).then(|| {
            let message = format!("The password is too similar to the {attribute}.");
            PasswordProblem::new("password_too_similar", message)
        });
        assert_eq!(problems(&rules, password, &ada()), Vec::from_iter(expected), "{password}");
    }
}

#[test]
fn rejects_passwords_that_consist_of_blocked_words() {
    let rules = PasswordRules::builder()
        .blocked_words(["Example Airlines", "ÉCLAIR-app"])
        .min_length(8)
        .build()
        .unwrap();
    for password in [
        "example airlines",
        "Airlines2024",
        "airlinesairlines",
        "EXAMPLE-AIRLINES-2024",
        "éclair-app",
        "e\u{301}clair123",
        "éclair airlines",
    ] {
        assert_eq!(codes(&rules, password), ["password_too_predictable"], "{password}");
    }
    for password in ["airline-7-food", "airlines and trains", "12345678 airlines"] {
        assert_eq!(codes(&rules, password), [""; 0], "{password}");
    }
    let combined = codes_for(&rules, "ada airlines 2024", &ada());
    assert_eq!(combined, ["password_too_similar"]);
}

#[test]
fn attributes_can_be_ignored() {
    let rules = PasswordRules::builder().similarity(Similarity::Off).build().unwrap();
    assert_eq!(codes_for(&rules, "ada-lovelace-1815", &ada()), [""; 0]);
}

#[test]
fn attributes_without_words_match_nothing() {
    let rules = PasswordRules::builder().min_length(1).build().unwrap();
    let user = UserAttributes::new().with_username("").with_first_name(" -.- ");
    assert_eq!(codes_for(&rules, " -.- ", &user), [""; 0]);
    assert_eq!(codes_for(&rules, "", &user), ["password_too_short"]);
}

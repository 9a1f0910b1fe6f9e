//! NIST SP 800-63B-4, section 3.1.1.2.

use tower_jwt_auth::password::{PasswordProblem, PasswordRules, UserAttributes};

use super::{codes, codes_for, problems};

#[test]
fn requires_no_mixture_of_characters() {
    let rules = PasswordRules::nist();
    for password in [
        "correct horse battery staple",
        "CORRECTHORSEBATTERY",
        "8371 9365 0284 7731",
        "正しい馬のバッテリーの主食です🐴",
        "               ",
    ] {
        assert_eq!(codes(&rules, password), [""; 0], "{password}");
    }
}

#[test]
fn requires_15_characters_or_8_with_a_second_factor() {
    let rules = PasswordRules::nist();
    let second_factor = UserAttributes::new().with_second_factor(true);
    let password = "kx7 vqm2 pzt9 w";
    assert_eq!(codes(&rules, password), [""; 0]);
    assert_eq!(
        problems(&rules, &password[..14], &UserAttributes::new()),
        [PasswordProblem::new(
            "password_too_short",
            "This password is too short. It must contain at least 15 characters.",
        )]
    );
    assert_eq!(codes_for(&rules, &password[..8], &second_factor), [""; 0]);
    assert_eq!(
        problems(&rules, &password[..7], &second_factor),
        [PasswordProblem::new(
            "password_too_short",
            "This password is too short. It must contain at least 8 characters.",
        )]
    );
}

#[test]
fn counts_characters_not_bytes() {
    let rules = PasswordRules::nist();
    assert_eq!(codes(&rules, &"🐴".repeat(14)), ["password_too_short"]);
    assert_eq!(codes(&rules, &"🐴".repeat(15)), [""; 0]);
    assert_eq!(codes(&rules, &"🐴".repeat(128)), [""; 0]);
    assert_eq!(codes(&rules, &"🐴".repeat(129)), ["password_too_long"]);
}

#[test]
fn a_password_that_is_too_long_is_not_checked_further() {
    let own = |_: &str, _: &UserAttributes| panic!("called");
    let rules = PasswordRules::django_builder().rule(own).build().unwrap();
    let ada = UserAttributes::new().with_username("1".repeat(129));
    assert_eq!(
        problems(&rules, &"1".repeat(129), &ada),
        [PasswordProblem::new(
            "password_too_long",
            "This password is too long. It must contain at most 128 characters.",
        )]
    );
}

#[test]
fn returns_all_problems_at_once_in_order() {
    let rules = PasswordRules::builder()
        .reject_digits(true)
        .rule(|password, user| {
            assert_eq!((password, user.username()), ("123456", Some("123456")));
            Some(PasswordProblem::new("first", "First."))
        })
        .rule(|_, _| Some(PasswordProblem::new("second", "Second.")))
        .build()
        .unwrap();
    let user = UserAttributes::new().with_username("123456");
    assert_eq!(
        codes_for(&rules, "123456", &user),
        [
            "password_too_similar",
            "password_too_short",
            "password_too_common",
            "password_entirely_numeric",
            "first",
            "second",
        ]
    );
}

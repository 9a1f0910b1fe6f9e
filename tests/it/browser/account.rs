//! The whole life of an account in the example `webapp`.

use crate::{
    server::Store,
    webapp::second_step::{code, now},
};

use super::{
    driver::{Browser, Tab},
    webapp::{PASSWORD, Webapp, add_note, go_to, submit_login, wait_for_text, wait_for_view},
};

const NEW_PASSWORD: &str = "seven loud violet doors";
const LAST_PASSWORD: &str = "nine slow orange trains";

/// The key `Enter` in WebDriver.
const ENTER: &str = "\u{e007}";
/// The key `Tab` in WebDriver.
const TAB: &str = "\u{e004}";

#[test]
fn an_account_from_sign_up_to_deletion() {
    for database in [Store::sqlite(), Store::postgres()].into_iter().flatten() {
        let Some(browser) = Browser::start() else { return };
        let webapp = Webapp::start_on(database, &[]);
        let tab = browser.first_tab();
        sign_up(&webapp, &tab);
        add_note(&tab, "Buy milk");
        confirm_address(&webapp, &tab);
        let (secret, step, recovery_codes) = enrol(&tab);

        log_out(&tab);
        begin_login(&tab, PASSWORD);
        enter_code(&tab, "000000");
        wait_for_text(&tab, "#message", "code");
        enter_code(&tab, &code(&secret, step + 1));
        wait_for_view(&tab, "notes");
        wait_for_text(&tab, "#notes", "Buy milk");

        log_out(&tab);
        begin_login(&tab, PASSWORD);
        enter_code(&tab, &recovery_codes[0]);
        wait_for_view(&tab, "notes");

        change_password(&webapp, &tab, &recovery_codes[1]);
        reset_password(&webapp, &tab);
        begin_login(&tab, LAST_PASSWORD);
        enter_code(&tab, &recovery_codes[2]);
        wait_for_view(&tab, "notes");
        delete(&tab);
    }
}

/// The rules are shown while the user types.
fn sign_up(webapp: &Webapp, tab: &Tab<'_>) {
    webapp.open(tab, "sign-up");
    tab.type_into("#sign-up-username", "ada");
    tab.type_into("#sign-up-email", "ada@mail.example");
    tab.type_into("#sign-up-password", "letmein");
    wait_for_text(tab, "#sign-up-password-problems", "at least 15 characters");
    wait_for_text(tab, "#sign-up-password-length", "7 characters");
    let is_invalid = "document.querySelector('#sign-up-password').ariaInvalid";
    assert_eq!(tab.run(&format!("return {is_invalid}")), "true");
    tab.click("#sign-up-form button");
    tab.wait_for("document.activeElement.id === 'sign-up-password'");
    tab.replace("#sign-up-password", PASSWORD);
    tab.wait_for(&format!("{is_invalid} === 'false'"));
    tab.click("#sign-up-form button");
    wait_for_view(tab, "notes");
    wait_for_text(tab, "#notice", "ada@mail.example");
}

fn confirm_address(webapp: &Webapp, tab: &Tab<'_>) {
    go_to(tab, "account");
    wait_for_text(tab, "#profile-email-status", "not confirmed");
    tab.open(&webapp.link("verify_email", 1));
    wait_for_view(tab, "verify");
    tab.click("#verify-form button");
    wait_for_view(tab, "account");
    wait_for_text(tab, "#profile-email-status", "is confirmed");
    // The link works once.
    tab.open(&webapp.link("verify_email", 1));
    wait_for_view(tab, "verify");
    tab.click("#verify-form button");
    tab.wait_for("!document.querySelector('#message').hidden");
}

/// The secret, the step of time whose code is used, and the recovery codes.
fn enrol(tab: &Tab<'_>) -> (String, u64, Vec<String>) {
    go_to(tab, "account");
    tab.wait_for("!document.querySelector('#totp-enrol').hidden");
    tab.click("#totp-enrol");
    tab.wait_for("document.querySelector('#totp-qr svg')?.getBoundingClientRect().width > 100");
    let secret = tab.text("#totp-secret").replace(' ', "");
    tab.type_into("#totp-code", "000000");
    tab.click("#totp-confirm button");
    tab.wait_for("document.querySelector('#totp-code').ariaInvalid === 'true'");
    let step = now();
    tab.replace("#totp-code", &code(&secret, step));
    tab.click("#totp-confirm button");
    tab.wait_for("document.querySelectorAll('#recovery-codes li').length === 10");
    let codes = tab.text("#recovery-codes").split_whitespace().map(str::to_owned).collect();
    // They are shown once.
    tab.reload();
    wait_for_view(tab, "account");
    tab.wait_for("!document.querySelector('#totp-disable').hidden");
    assert_eq!(tab.run("return document.querySelectorAll('#recovery-codes li').length"), 0);
    (secret, step, codes)
}

fn log_out(tab: &Tab<'_>) {
    tab.click("#logout");
    wait_for_view(tab, "log-in");
}

fn begin_login(tab: &Tab<'_>, password: &str) {
    wait_for_view(tab, "log-in");
    submit_login(tab, password);
    wait_for_view(tab, "second-step");
}

fn enter_code(tab: &Tab<'_>, code: &str) {
    tab.replace("#second-step-code", code);
    tab.click("#second-step-form button");
}

/// The session goes on, and another one ends.
fn change_password(webapp: &Webapp, tab: &Tab<'_>, recovery_code: &str) {
    let Some(elsewhere) = Browser::start() else { return };
    let other = elsewhere.first_tab();
    webapp.open(&other, "log-in");
    begin_login(&other, PASSWORD);
    enter_code(&other, recovery_code);
    wait_for_view(&other, "notes");
    go_to(tab, "account");
    tab.type_into("#password-current", "wrong");
    tab.type_into("#password-new", NEW_PASSWORD);
    tab.click("#password-form button");
    tab.wait_for("document.activeElement.id === 'password-current'");
    tab.replace("#password-current", PASSWORD);
    tab.click("#password-form button");
    wait_for_text(tab, "#notice", "password is changed");
    wait_for_view(&other, "log-in");
    go_to(tab, "sessions");
    tab.wait_for("document.querySelectorAll('#sessions li').length === 1");
    tab.reload();
    wait_for_view(tab, "sessions");
}

fn reset_password(webapp: &Webapp, tab: &Tab<'_>) {
    log_out(tab);
    tab.click("a[href='#forgot']");
    wait_for_view(tab, "forgot");
    tab.type_into("#forgot-email", "ada@mail.example");
    tab.click("#forgot-form button");
    wait_for_view(tab, "check-mail");
    tab.open(&webapp.link("reset_password", 1));
    wait_for_view(tab, "reset");
    tab.type_into("#reset-password", "letmein");
    tab.click("#reset-form button");
    tab.wait_for("document.querySelector('#reset-password').ariaInvalid === 'true'");
    tab.replace("#reset-password", LAST_PASSWORD);
    tab.click("#reset-form button");
    wait_for_view(tab, "log-in");
    wait_for_text(tab, "#notice", "password is set");
}

fn delete(tab: &Tab<'_>) {
    go_to(tab, "account");
    tab.wait_for("!document.querySelector('#totp-disable').hidden");
    tab.type_into("#totp-password", LAST_PASSWORD);
    tab.click("#totp-disable button");
    tab.wait_for("!document.querySelector('#totp-enrol').hidden");
    tab.type_into("#delete-password", "wrong");
    tab.click("#delete-form button");
    tab.wait_for("document.querySelector('#delete-password').ariaInvalid === 'true'");
    tab.replace("#delete-password", LAST_PASSWORD);
    tab.click("#delete-form button");
    wait_for_view(tab, "log-in");
    wait_for_text(tab, "#notice", "account is deleted");
    assert_eq!(tab.cookies().len(), 0);
    submit_login(tab, LAST_PASSWORD);
    tab.wait_for("!document.querySelector('#message').hidden");
}

#[test]
fn changes_the_profile() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
    go_to(&tab, "account");
    tab.wait_for("document.querySelector('#profile-username').value === 'ada'");
    tab.replace("#profile-username", "Countess");
    tab.replace("#profile-email", "new@mail.example");
    tab.click("#profile-form button");
    wait_for_text(&tab, "#username", "Countess");
    wait_for_text(&tab, "#notice", "new@mail.example");
    let mail = webapp.outbox.wait("verify_email", "new@mail.example", 1);
    tab.open(mail["link"].as_str().unwrap());
    wait_for_view(&tab, "verify");
    tab.click("#verify-form button");
    wait_for_view(&tab, "account");
    tab.wait_for("document.querySelector('#profile-email').value === 'new@mail.example'");
}

/// With `SIGNUP=safe` the page does not know whether there is an account now.
#[test]
fn a_safe_sign_up_continues_in_the_mail() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[("SIGNUP", "safe")]);
    let tab = browser.first_tab();
    webapp.open(&tab, "sign-up");
    tab.type_into("#sign-up-username", "ada");
    tab.type_into("#sign-up-email", "ada@mail.example");
    tab.type_into("#sign-up-password", PASSWORD);
    tab.click("#sign-up-form button");
    wait_for_view(&tab, "check-mail");
    wait_for_text(&tab, "#check-mail-address", "ada@mail.example");
    webapp.open(&tab, "log-in");
    submit_login(&tab, PASSWORD);
    tab.wait_for("!document.querySelector('#message').hidden");
    tab.open(&webapp.link("verify_email", 1));
    wait_for_view(&tab, "verify");
    tab.click("#verify-form button");
    wait_for_view(&tab, "log-in");
    wait_for_text(&tab, "#notice", "confirmed");
    submit_login(&tab, PASSWORD);
    // The page where the confirmation has led.
    wait_for_view(&tab, "account");
}

#[test]
fn works_with_the_keyboard_alone() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.open(&tab, "sign-up");
    // The heading has the focus, so that screen readers begin with the view.
    assert_eq!(tab.run("return document.activeElement.textContent"), "Sign up");
    tab.press(&[TAB, "ada", TAB, "ada@mail.example", TAB, PASSWORD, ENTER].concat());
    wait_for_view(&tab, "notes");
    tab.wait_for("document.activeElement.textContent === 'Your notes'");
    tab.press(&[TAB, "Buy milk", ENTER].concat());
    wait_for_text(&tab, "#notes", "Buy milk");
}

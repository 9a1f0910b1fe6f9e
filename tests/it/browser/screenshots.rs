//! Pictures of every page of the example `webapp`, at the width of a phone and of a desktop, light and
//! dark. They are in the folder `webapp` of cargo's folder for temporary files of tests.

use std::{fs, path::Path};

use serde_json::Value;

use crate::webapp::second_step::{code, now};

use super::{
    driver::{Browser, Tab},
    webapp::{PASSWORD, Webapp, add_note, go_to, submit_login, wait_for_text, wait_for_view},
};

/// Texts whose contrast is less than the 4.5 of WCAG 2.2, and what is wider than the screen.
const PROBLEMS: &str = r#"
    const channels = color => color.match(/[\d.]+/g).map(Number);
    const luminance = color => {
        const [red, green, blue] = channels(color).slice(0, 3).map(channel => {
            const part = channel / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = element => {
        for (let own = element; own; own = own.parentElement) {
            const { backgroundColor } = getComputedStyle(own);
            if ((channels(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
        }
        return 'rgb(255, 255, 255)';
    };
    const problems = [];
    for (const element of document.querySelectorAll('body *:not(noscript)')) {
        const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility()) continue;
        const pair = [getComputedStyle(element).color, ground(element)].map(luminance);
        const [dark, light] = pair.sort((one, other) => one - other);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < 4.5) problems.push(`${element.outerHTML}: contrast ${contrast}`);
        const { right } = element.getBoundingClientRect();
        if (right > innerWidth) problems.push(`${element.outerHTML}: ends at ${right}`);
    }
    for (const input of document.querySelectorAll('input:not([hidden])')) {
        if (input.labels.length !== 1) problems.push(`${input.id}: no label`);
    }
    return problems;
"#;

/// Takes the pictures of a page, and checks it.
fn shoot(tab: &Tab<'_>, name: &str) {
    let problems = take_pictures(tab, name);
    assert_eq!(problems, [const { Value::Array(Vec::new()) }; 4], "{name}");
}

/// Returns the problems of each picture.
fn take_pictures(tab: &Tab<'_>, name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("webapp");
    fs::create_dir_all(&folder).unwrap();
    let mut problems = Vec::new();
    for (width, screen) in [(360, "phone"), (1200, "desktop")] {
        for scheme in ["light", "dark"] {
            tab.emulate(width, scheme);
            let picture = tab.screenshot();
            fs::write(folder.join(format!("{name}-{screen}-{scheme}.png")), picture).unwrap();
            problems.push(tab.run(PROBLEMS));
        }
    }
    problems
}

#[test]
fn every_page_is_readable() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.open(&tab, "log-in");
    shoot(&tab, "log-in");
    submit_login(&tab, "wrong");
    tab.wait_for("!document.querySelector('#message').hidden");
    shoot(&tab, "log-in-rejected");
    webapp.open(&tab, "sign-up");
    tab.type_into("#sign-up-username", "ada");
    tab.type_into("#sign-up-email", "ada@mail.example");
    tab.type_into("#sign-up-password", "letmein");
    wait_for_text(&tab, "#sign-up-password-problems", "at least 15 characters");
    shoot(&tab, "sign-up-rules");
    webapp.sign_up(&tab);
    wait_for_text(&tab, "#notice", "ada@mail.example");
    shoot(&tab, "notes-empty");
    for note in ["Buy milk", "Lovelace wrote the first program", &"long".repeat(60)] {
        add_note(&tab, note);
    }
    shoot(&tab, "notes");
    let Some(elsewhere) = Browser::start() else { return };
    webapp.log_in(&elsewhere.first_tab());
    go_to(&tab, "sessions");
    tab.wait_for("document.querySelectorAll('#sessions li').length === 2");
    shoot(&tab, "sessions");
    shoot_account(&tab);
    shoot_mails(&webapp, &tab);
}

fn shoot_account(tab: &Tab<'_>) {
    go_to(tab, "account");
    wait_for_text(tab, "#profile-email-status", "not confirmed");
    shoot(tab, "account");
    tab.type_into("#password-current", "wrong");
    tab.type_into("#password-new", "short");
    tab.click("#password-form button");
    tab.wait_for("document.querySelector('#password-new').ariaInvalid === 'true'");
    shoot(tab, "account-rejected");
    tab.click("#totp-enrol");
    tab.wait_for("document.querySelector('#totp-qr svg')");
    shoot(tab, "account-enrolment");
    let secret = tab.text("#totp-secret").replace(' ', "");
    tab.type_into("#totp-code", &code(&secret, now()));
    tab.click("#totp-confirm button");
    tab.wait_for("document.querySelectorAll('#recovery-codes li').length === 10");
    shoot(tab, "account-recovery-codes");
    tab.click("#logout");
    wait_for_view(tab, "log-in");
    shoot(tab, "logged-out");
    submit_login(tab, PASSWORD);
    wait_for_view(tab, "second-step");
    shoot(tab, "second-step");
}

fn shoot_mails(webapp: &Webapp, tab: &Tab<'_>) {
    tab.open(&webapp.link("verify_email", 1));
    wait_for_view(tab, "verify");
    shoot(tab, "verify");
    webapp.open(tab, "forgot");
    shoot(tab, "forgot");
    tab.type_into("#forgot-email", "ada@mail.example");
    tab.click("#forgot-form button");
    wait_for_view(tab, "check-mail");
    shoot(tab, "check-mail");
    tab.open(&webapp.link("reset_password", 1));
    wait_for_view(tab, "reset");
    shoot(tab, "reset");
}

#[test]
fn the_outbox_is_readable() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::with_page_of_mails();
    let tab = browser.first_tab();
    tab.open(&webapp.url("/outbox"));
    wait_for_text(&tab, "main", "no mails yet");
    webapp.sign_up(&tab);
    tab.wait_for("!document.querySelector('#outbox').hidden");
    tab.open(&webapp.url("/outbox"));
    while !tab.text("main").contains("ada@mail.example") {
        tab.reload();
    }
    shoot(&tab, "outbox");
    tab.click("a[href*='verify=']");
    wait_for_view(&tab, "verify");
    tab.click("#verify-form button");
    wait_for_view(&tab, "account");
}

/// The page has colors of its own, so nothing is checked but that it shows the operations.
#[test]
fn the_page_of_the_api_shows_the_operations() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    tab.open(&webapp.url("/docs"));
    tab.wait_for("document.querySelectorAll('.opblock').length > 20");
    tab.wait_for("document.querySelector('button.authorize')");
    take_pictures(&tab, "docs");
}

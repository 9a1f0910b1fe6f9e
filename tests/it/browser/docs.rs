//! The page of the example `webapp` that shows the API.

use serde_json::json;

use super::{
    driver::Browser,
    webapp::{PASSWORD, Webapp},
};

/// The block of the operation that lists notes.
const NOTES: &str = "#operations-notes-get_api_notes";

#[test]
fn the_authorize_button_logs_in_for_all_operations() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let body = json!({"username": "ada", "email": "ada@mail.example", "password": PASSWORD});
    let headers = "content-type: application/json\r\n";
    let reply = webapp.server.send("POST /api/users/", headers, body.to_string().as_bytes());
    assert_eq!(reply.status, 201, "{reply:?}");

    let tab = browser.first_tab();
    tab.open(&webapp.url("/docs/"));
    tab.wait_for(&format!("document.querySelector('{NOTES}')"));
    tab.click(".scheme-container .authorize");
    tab.wait_for("document.querySelector('#oauth_username')");
    tab.type_into("#oauth_username", "ada");
    tab.type_into("#oauth_password", PASSWORD);
    // The dialog is longer than the window.
    let click = |selector: &str| tab.run(&format!("document.querySelector('{selector}').click()"));
    tab.run(
        "document.querySelector('#oauth_username').closest('.auth-container') \
             .querySelector('.auth-btn-wrapper .authorize').click()",
    );
    tab.wait_for("!document.querySelector('#oauth_username')");
    click(".auth-container .btn-done");

    click(&format!("{NOTES} .opblock-summary-control"));
    tab.wait_for(&format!("document.querySelector('{NOTES} .try-out__btn')"));
    click(&format!("{NOTES} .try-out__btn"));
    tab.wait_for(&format!("document.querySelector('{NOTES} .execute')"));
    click(&format!("{NOTES} .execute"));
    let status = format!("{NOTES} .live-responses-table .response .response-col_status");
    tab.wait_for(&format!("document.querySelector('{status}')"));
    let text = tab.run(&format!("return document.querySelector('{status}').textContent"));
    assert!(text.as_str().unwrap().starts_with("200"), "{text}");
    // The token is the one of the button.
    assert_eq!(tab.cookies().len(), 0);
}

//! Calls whose response is lost are repeated, although they were carried out.

use tower_jwt_auth::{totp::SqlTotpStore, user::SqlDatabase};

use crate::{
    support::postgres::{PASSWORD as SERVER_PASSWORD, Server},
    users::lost_responses::Link,
};

use super::{clock, code, totp, user, verify};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_has_the_same_outcome() {
    let Some(server) = Server::start() else { return };
    let link = Link::default();
    let port = link.listen(server.socket()).await;
    let url = format!("postgres://postgres:{SERVER_PASSWORD}@127.0.0.1:{port}/postgres");
    let database = SqlDatabase::connect_lazy(&format!("{url}?sslmode=disable")).unwrap();
    let store = SqlTotpStore::builder(database).build().unwrap();
    store.migrate().await.unwrap();
    let clock = clock();
    let totp = totp(store, &clock);

    link.lose("INSERT INTO \"jwt_totp\"");
    let enrolment = totp.enrol(&user(), "ada").await.unwrap();
    assert!(link.has_lost());

    link.lose("recovery_codes = $4");
    let codes = totp.confirm(&user(), &code(enrolment.secret(), &clock, -1)).await.unwrap();
    assert!(link.has_lost());

    link.lose("last_step < $3");
    let current = code(enrolment.secret(), &clock, 0);
    assert!(verify(&totp, &current).await && link.has_lost());
    assert!(!verify(&totp, &current).await);

    link.lose("replace(recovery_codes");
    let recovery = codes.iter().next().unwrap();
    assert!(verify(&totp, recovery).await && link.has_lost());
    assert!(!verify(&totp, recovery).await);
    assert_eq!(totp.recovery_codes_left(&user()).await.unwrap(), Some(9));
}

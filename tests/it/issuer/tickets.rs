//! Tickets for requests that cannot carry a header.

use std::time::Duration;

use tower_jwt_auth::{
    AuthErrorKind, Issuer,
    issue::Tokens,
    token::{NoClaims, TokenType, UserId},
};

use crate::support::{
    flaky::StoreFailure,
    login::{HOUR, MINUTE, NOW, Profile, Setup, ada, error_kind, payload, refresh_of},
};

const PATH: &str = "/api/export";

async fn ticket(issuer: &Issuer<Profile>, tokens: &Tokens) -> String {
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    issuer.issue_ticket(&claims, PATH).unwrap()
}

async fn redeem(issuer: &Issuer<Profile>, ticket: &str) -> Result<(), AuthErrorKind> {
    let redeemed = issuer.redeem_ticket(ticket, PATH).await;
    redeemed.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_ticket_is_redeemed_once() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada().with_scopes(["write"])).await.unwrap();
    let ticket = ticket(&issuer, &tokens).await;
    let claims = payload(&ticket);
    assert_eq!((&claims["token_type"], &claims["path"]), (&"ticket".into(), &PATH.into()));
    assert_eq!((&claims["sid"], &claims["exp"]), (&tokens.session_id().into(), &(NOW + 30).into()));

    let claims = issuer.redeem_ticket(&ticket, PATH).await.unwrap();
    assert_eq!(claims.user_id().as_str(), "1");
    assert_eq!(claims.session_id(), Some(tokens.session_id()));
    assert_eq!(claims.scopes().count(), 0);
    for _ in 0..3 {
        assert_eq!(redeem(&issuer, &ticket).await, Err(AuthErrorKind::Revoked));
    }
    assert!(issuer.verify(tokens.access()).await.is_ok());
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn a_ticket_is_for_one_path() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let ticket = ticket(&issuer, &tokens).await;
    for path in ["", "/", "/api/export/", "/api/exports", "/api/Export", "/api/export?a=b"] {
        let rejected = issuer.redeem_ticket(&ticket, path).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::InvalidClaims, "{path}");
    }
    assert_eq!(redeem(&issuer, &ticket).await, Ok(()), "no other path has used it");
}

#[tokio::test]
async fn a_ticket_expires() {
    let setup = Setup::new();
    let second = Duration::from_secs(1);
    for (issuer, lifetime) in [
        (setup.issuer(), 30),
        (setup.builder().ticket_lifetime(5 * second).build().unwrap(), 5),
        // The access token may expire first.
        (setup.builder().access_lifetime(second).build().unwrap(), 30),
    ] {
        let tokens = issuer.login(&ada()).await.unwrap();
        let (first, second_ticket) =
            (ticket(&issuer, &tokens).await, ticket(&issuer, &tokens).await);
        setup.clock.advance((lifetime - 1) * second);
        assert_eq!(redeem(&issuer, &first).await, Ok(()));
        setup.clock.advance(second);
        assert_eq!(redeem(&issuer, &second_ticket).await, Err(AuthErrorKind::Expired));
    }
}

#[tokio::test]
async fn a_ticket_dies_with_its_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let user = UserId::from(1);
    for way in 0..5 {
        let kept = issuer.login(&ada()).await.unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        let (kept_ticket, dead) = (ticket(&issuer, &kept).await, ticket(&issuer, &tokens).await);
        let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        let alive = ticket(&issuer, &tokens).await;
        assert_eq!(redeem(&issuer, &alive).await, Ok(()), "a refresh ends no session");
        let mut is_kept = true;
        match way {
            0 => issuer.revoke_session(&user, tokens.session_id()).await.unwrap(),
            1 => issuer.logout(refresh_of(&tokens)).await.unwrap(),
            2 => issuer.revoke_other_sessions(&user, kept.session_id()).await.unwrap(),
            3 => {
                issuer.revoke_user(&user).await.unwrap();
                is_kept = false;
            }
            _ => {
                issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
                let reused = issuer.refresh(refresh_of(&tokens), &setup.users).await;
                assert_eq!(error_kind(reused), AuthErrorKind::Reused);
            }
        }
        assert_eq!(redeem(&issuer, &dead).await, Err(AuthErrorKind::Revoked), "way {way}");
        let expected = if is_kept { Ok(()) } else { Err(AuthErrorKind::Revoked) };
        assert_eq!(redeem(&issuer, &kept_ticket).await, expected, "way {way}");
        // Nobody can get another one with the old access token.
        assert_eq!(
            redeem(&issuer, &ticket(&issuer, &tokens).await).await,
            Err(AuthErrorKind::Revoked)
        );
    }
}

#[tokio::test]
async fn a_ticket_without_session_dies_with_its_user() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let token = issuer.issue(&TokenType::Access, HOUR, ada().id(), ada().claims()).unwrap();
    let claims = issuer.verifier().verify(&token).unwrap();
    let (first, second) =
        (issuer.issue_ticket(&claims, PATH).unwrap(), issuer.issue_ticket(&claims, PATH).unwrap());
    assert_eq!(redeem(&issuer, &first).await, Ok(()));
    issuer.revoke_user(ada().id()).await.unwrap();
    assert_eq!(redeem(&issuer, &second).await, Err(AuthErrorKind::Revoked));
}

#[tokio::test]
async fn a_ticket_without_session_dies_with_its_token() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let token = issuer.issue(&TokenType::Access, HOUR, ada().id(), ada().claims()).unwrap();
    let claims = issuer.verifier().verify(&token).unwrap();
    let before = issuer.issue_ticket(&claims, PATH).unwrap();
    issuer.revoke_token(&claims).await.unwrap();
    // A layer that does not ask the store still accepts the token.
    let after = issuer.issue_ticket(&claims, PATH).unwrap();
    for ticket in [before, after] {
        assert_eq!(redeem(&issuer, &ticket).await, Err(AuthErrorKind::Revoked));
    }

    let token = issuer.issue(&TokenType::Access, HOUR, ada().id(), ada().claims()).unwrap();
    let claims = issuer.verifier().verify(&token).unwrap();
    issuer.revoke_user(ada().id()).await.unwrap();
    setup.clock.advance(MINUTE);
    let late = issuer.issue_ticket(&claims, PATH).unwrap();
    assert_eq!(redeem(&issuer, &late).await, Err(AuthErrorKind::Revoked));
}

#[tokio::test]
async fn a_ticket_is_no_other_token_and_no_other_token_is_a_ticket() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada()).await.unwrap();
    let ticket = ticket(&issuer, &tokens).await;
    let wrong = AuthErrorKind::WrongTokenType;
    assert_eq!(error_kind(issuer.verifier().verify(&ticket)), wrong);
    assert_eq!(error_kind(issuer.verify(&ticket).await), wrong);
    assert_eq!(error_kind(issuer.refresh(&ticket, &setup.users).await), wrong);
    assert_eq!(error_kind(issuer.logout(&ticket).await), wrong);
    for token in [tokens.access(), refresh_of(&tokens)] {
        assert_eq!(redeem(&issuer, token).await, Err(wrong));
    }
    // A token without a path is for no path.
    let kind = TokenType::from("ticket");
    let plain = issuer.issue(&kind, HOUR, ada().id(), &NoClaims::default()).unwrap();
    assert_eq!(redeem(&issuer, &plain).await, Err(AuthErrorKind::InvalidClaims));
    assert_eq!(redeem(&issuer, &ticket).await, Ok(()));
}

#[tokio::test]
async fn rejects_paths_and_claims_that_no_ticket_can_have() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://shop.example").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    let long = format!("/{}", "x".repeat(1024));
    let control = format!("/{}", "\u{1}".repeat(1000));
    for path in ["", "api/export", "https://shop.example/", "/export?all", &long, &control, "/a b"]
    {
        let rejected = issuer.issue_ticket(&claims, path);
        assert_eq!(error_kind(rejected), AuthErrorKind::InvalidRequest, "{path}");
    }
    let ticket = issuer.issue_ticket(&claims, &long[..1024]).unwrap();
    assert!(issuer.redeem_ticket(&ticket, &long[..1024]).await.is_ok());

    let nameless = setup.issuer();
    let rejected = nameless.issue_ticket(&claims, PATH);
    assert_eq!(error_kind(rejected), AuthErrorKind::WrongIssuer);
    let plain = setup.plain_builder().build().unwrap();
    let rejected = plain.issue_ticket(&claims, PATH);
    assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
}

#[tokio::test]
async fn during_an_outage_no_ticket_is_redeemed() {
    let setup = Setup::new();
    let issuer = setup.builder().store_deadline(Duration::from_millis(20)).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let ticket = ticket(&issuer, &tokens).await;
    for failure in [StoreFailure::Errors, StoreFailure::Hangs] {
        setup.store.set_failure(failure);
        assert_eq!(redeem(&issuer, &ticket).await, Err(AuthErrorKind::Unavailable));
        setup.store.set_failure(StoreFailure::None);
    }
    assert_eq!(redeem(&issuer, &ticket).await, Ok(()));
    setup.clock.advance(MINUTE);
    assert_eq!(redeem(&issuer, &ticket).await, Err(AuthErrorKind::Expired));
}

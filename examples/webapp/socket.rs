//! A WebSocket that closes when the session of its user ends.

use std::pin::pin;

use axum::{
    extract::{
        State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    response::Response,
};
use serde_json::json;
use tower_jwt_auth::{Claims, Issuer};

use crate::{
    api::{App, error},
    users::{Profile, describe},
};

/// Codes from 4000 belong to applications.
const SESSION_ENDED: u16 = 4401;

/// Clients of other origins send the protocols `bearer` and their token. The layer has removed the
/// token, and browsers require that the server selects a protocol.
pub(crate) async fn open(
    State(app): State<App>,
    claims: Claims<Profile>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade
            .protocols(["bearer"])
            .max_message_size(1024)
            .on_upgrade(move |socket| serve(socket, app.issuer, claims)),
        Err(rejection) => {
            error(rejection.status(), "websocket_required", "The request must open a WebSocket.")
        }
    }
}

async fn serve(mut socket: WebSocket, issuer: Issuer<Profile>, claims: Claims<Profile>) {
    let greeting = json!({ "user": describe(claims.user_id(), &claims) }).to_string();
    if socket.send(Message::Text(greeting.into())).await.is_err() {
        return;
    }
    let mut session_ended = pin!(issuer.session_ended(&claims));
    loop {
        tokio::select! {
            () = &mut session_ended => {
                let reason = "the session has ended".into();
                let close = CloseFrame { code: SESSION_ENDED, reason };
                // The client may be gone already.
                socket.send(Message::Close(Some(close))).await.ok();
                return;
            }
            message = socket.recv() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

//! Tickets for downloads.

use serde_json::{Value, json};

use crate::support::server::Server;

use super::{
    client::{Client, SAME_ORIGIN},
    databases, start,
};

fn ticket(client: &mut Client<'_>, path: &str) -> String {
    let reply = client.post("/api/ticket", &json!({ "path": path }));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["ticket"].as_str().unwrap().to_owned()
}

/// Downloads without cookies.
fn download(server: &Server, ticket: &str) -> u16 {
    let line = format!("GET /api/export?ticket={ticket}");
    let reply = Client::new(server).send(&line, SAME_ORIGIN, &Value::Null);
    if reply.status == 200 {
        assert_eq!(reply.header("content-disposition"), ["attachment; filename=\"notes.json\""]);
    }
    reply.status.as_u16()
}

#[test]
fn a_ticket_works_once_at_any_copy() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let mut client = Client::logged_in(&servers[0]);
        client.post("/api/notes", &json!({ "text": "note" }));
        let issued = ticket(&mut client, "/api/export");
        assert_eq!(download(&servers[1], &issued), 200);
        for server in &servers {
            assert_eq!(download(server, &issued), 401);
        }
        // A token of another kind is no ticket, and a ticket is no access token.
        let issued = ticket(&mut client, "/api/export");
        assert_eq!(download(&servers[0], &client.cookies["__Host-access"]), 401);
        let bearer = format!("authorization: Bearer {issued}\r\n");
        assert_eq!(Client::new(&servers[0]).send("GET /api/me", &bearer, &Value::Null).status, 401);
        assert_eq!(download(&servers[0], &issued), 200);
    }
}

#[test]
fn a_ticket_is_bound_to_its_path_and_session() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::logged_in(&server);
    let other_path = ticket(&mut client, "/api/other");
    assert_eq!(download(&server, &other_path), 401);
    // A program that only looks whether a link works must not use the ticket up.
    let looked_at = ticket(&mut client, "/api/export");
    let line = format!("HEAD /api/export?ticket={looked_at}");
    let reply = Client::new(&server).send(&line, SAME_ORIGIN, &Value::Null);
    assert_eq!(reply.status, 405);
    assert_eq!(download(&server, &looked_at), 200);
    let issued = ticket(&mut client, "/api/export");
    client.delete("/api/session/");
    assert_eq!(download(&server, &issued), 401);
    assert_eq!(download(&server, "garbage"), 401);
    let reply = Client::new(&server).get("/api/export");
    assert_eq!(reply.status, 400);
}

#[test]
fn only_users_get_tickets() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let reply = Client::new(&server).post("/api/ticket", &json!({ "path": "/api/export" }));
    assert_eq!(reply.status, 401);
    let reply = Client::logged_in(&server).post("/api/ticket", &json!({}));
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("invalid_body")));
}

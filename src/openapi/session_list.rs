//! The session list, in the documents of all routes that have it.

use http::header::SET_COOKIE;
use utoipa::openapi::{
    HttpMethod, Ref,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::ObjectBuilder,
};

use crate::routes::{DescribedSessionList, RequestError, RequestErrorKind};

use super::{
    document::Document,
    errors::deleted_cookies,
    layer::Protection,
    route::Route,
    schema::{Members, boolean, date_time, empty_object, list, nullable_string, object, string},
};

/// The name of the schema of a session.
const SESSION_SCHEMA: &str = "AuthSession";

pub(super) fn add_session_list<C, R>(
    document: Document,
    sessions: &DescribedSessionList<C, R>,
) -> Document {
    let DescribedSessionList { paths, layer, has_labels, clears_cookies } = sessions;
    let [list_path, path, others_path, all_path, ticket_path] = paths;
    let protection = Protection::of(layer);
    let route =
        |method, path: &str, summary| Route::new(method, path, summary).protected(&protection);
    let required = |name| Some(RequestError::invalid_field(name, "This field is required.").into());
    let label = object().member(
        "label",
        nullable_string("The label, of which the first 256 bytes are kept. `null` removes it."),
    );
    let path_of_ticket =
        object().member("path", string("The path of one later request.").pattern(Some("^/")));
    let end = route(HttpMethod::Delete, path, "End a session")
        .parameter(session_id())
        .errors([RequestErrorKind::NotFound])
        .no_content("The session has ended.");
    let end_all = route(HttpMethod::Post, all_path, "End all sessions")
        .ok("All sessions have ended.", empty_object());
    let (end, end_all) = if *clears_cookies {
        (
            end.header(SET_COOKIE.as_str(), deleted_cookies()),
            end_all.header(SET_COOKIE.as_str(), deleted_cookies()),
        )
    } else {
        (end, end_all)
    };
    document
        .schema(SESSION_SCHEMA, session(*has_labels))
        .security_schemes(protection.schemes.iter().cloned())
        .route(route(HttpMethod::Get, list_path, "List the sessions of the user").ok(
            "The last used session first.",
            list("Sessions.", Ref::from_schema_name(SESSION_SCHEMA)),
        ))
        .route(end)
        .route(
            route(HttpMethod::Patch, path, "Label a session")
                .parameter(session_id())
                .json(label, required("label"))
                .errors([RequestErrorKind::NotFound])
                .no_content("The session has the label."),
        )
        .route(
            route(HttpMethod::Post, others_path, "End all other sessions")
                .ok("All sessions but that of the request have ended.", empty_object()),
        )
        .route(end_all)
        .route(
            route(HttpMethod::Post, ticket_path, "Issue a ticket")
                .description(
                    "A ticket admits one request to a path that cannot carry a header, such as a \
                     download.",
                )
                .json(path_of_ticket, required("path"))
                .ok("The ticket.", object().member("ticket", string("For the query string."))),
        )
}

fn session(has_labels: bool) -> ObjectBuilder {
    let label = nullable_string("The label of the session, for example the name of its browser.");
    let session = object()
        .description(Some("A session of the user."))
        .member("id", string("The id of the session."))
        .member("created_at", date_time("When the session began."))
        .member("last_used_at", date_time("When the session was last refreshed."))
        .member("expires_at", date_time("When the session expires unless it is refreshed."))
        .member("current", boolean("Whether it is the session of the request."));
    if has_labels { session.member("label", label) } else { session.property("label", label) }
}

fn session_id() -> Parameter {
    ParameterBuilder::new()
        .name("session_id")
        .parameter_in(ParameterIn::Path)
        .required(utoipa::openapi::Required::True)
        .description(Some("The id of the session."))
        .schema(Some(string("An id in the list of sessions.").min_length(Some(1))))
        .build()
}

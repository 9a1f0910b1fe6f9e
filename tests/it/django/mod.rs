//! The example `django` beside a real Django with the real SimpleJWT, on one database.
//!
//! Both get the same requests. The tests compare the responses, with the claims in place of tokens,
//! and the changes to the rows of the database. The tables in the module's docs list the permitted
//! deviations. A test names each deviation it expects, and fails if the deviation does not occur.
//!
//! Runs if `TOWER_JWT_AUTH_PYTHON` names a Python with Django, as in `tests/run`.

mod adoption;
mod bodies;
mod configuration;
mod database;
mod deviations;
mod effect;
mod endpoints;
mod flows;
mod flush;
mod hashes;
mod headers;
mod local_times;
mod minting;
mod odd_tokens;
mod outage;
mod pair;
mod project;
mod race;
mod response;
mod start;
mod tokens;
mod users;

use configuration::Configuration;
use database::Engine;
use pair::Pair;

/// Defines a test of each configuration for each database.
macro_rules! compare {
    ($($configuration:ident)*) => {
        mod on_sqlite {
            $(
                #[test]
                fn $configuration() {
                    super::compare(super::Engine::Sqlite, super::configuration::$configuration());
                }
            )*
        }
        mod on_postgres {
            $(
                #[test]
                fn $configuration() {
                    super::compare(super::Engine::Postgres, super::configuration::$configuration());
                }
            )*
        }
    };
}

compare! {
    defaults no_blacklist_app rotation rotation_with_blacklist blacklist_only sliding
    two_token_classes any_token_class audience_and_issuer several_audiences other_headers
    renamed_claims no_type_claim no_id_claim hs512 rs256 es256 check_revoke_token
    inactive_users_accepted update_last_login leeway users_by_name
}

/// The minimum number of compared requests in each configuration.
const REQUESTS: usize = 1500;

fn compare(engine: Engine, configuration: Configuration) {
    let Some(pair) = Pair::start(engine, configuration) else { return };
    let mint = pair.mint();
    bodies::compare(&pair);
    headers::compare(&pair, &mint);
    tokens::compare(&pair, &mint);
    users::compare(&pair, &mint);
    flows::compare(&pair);
    users::compare_changes(&pair);
    pair.finish(REQUESTS);
}

//! The example `django` beside a real Django with the real SimpleJWT, on one database.
//!
//! Both get the same requests, and everything about them is compared: the answers, with tokens
//! replaced by what they say, and the rows of the database before and after. Where they may differ
//! stands in the tables of the module's docs, and each such difference is named where it is met:
//! one that is not met any more is a failure, too.
//!
//! Runs when `TOWER_JWT_AUTH_PYTHON` names a Python that has Django, as `tests/run` sees to.

mod answer;
mod bodies;
mod configuration;
mod database;
mod deviations;
mod doors;
mod effect;
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
mod start;
mod tokens;
mod users;

use configuration::Configuration;
use database::Engine;
use pair::Pair;

/// Makes a test of each configuration for each database.
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
    inactive_users_too update_last_login leeway users_by_name
}

/// How many requests are compared in each configuration, at the least.
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

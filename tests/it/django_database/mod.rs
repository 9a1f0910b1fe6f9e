//! Django's database: its users and the tables of SimpleJWT's blacklist app.

mod outage;
mod pool;
mod poolers;
mod purging;
mod race;
mod schema;
mod standby;
mod tokens;
mod users;

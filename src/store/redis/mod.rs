mod args;
mod cluster;
mod cluster_feed;
mod connector;
mod feed;
mod keys;
mod notice;
mod reply;
mod scan;
mod scripts;
mod server_feed;
mod store;
mod throttle_store;
#[cfg(feature = "redis-tls")]
mod tls;
mod token_store;

pub use store::RedisStore;

//! The rules that every [`TokenStore`](super::TokenStore) must follow. Each rule is a function that
//! panics if a store breaks it.
//!
//! [`token_store_conformance!`](crate::token_store_conformance) generates a test for each rule:
//!
//! ```test_harness
//! use tower_jwt_auth::store::MemoryStore;
//!
//! mod in_memory {
//!     use super::*;
//!
//!     tower_jwt_auth::token_store_conformance!(MemoryStore::new());
//! }
//! ```
//!
//! How the rules work:
//!
//! 1. Their ids are random, so all rules and several runs can share a database. The rules do not
//!    delete their entries.
//! 2. Their times are in the year 2100, so a database that expires entries by its own clock keeps
//!    them. The `purge` of such a store does nothing. Leave out the rules about purging:
//!    `token_store_conformance!(connect().await, forgets_by_itself)`.
//! 3. The rules about purging delete each other's entries, so they run in one test. Do not run them
//!    twice at the same time on one database. They do not delete the entries of other rules.
//! 4. The rules about races make 64 calls at once, so calls may have to wait for a connection. They
//!    require the multi-threaded runtime. They repeat each race, because its outcome is random.

mod adoption;
mod consuming;
mod generations;
mod ids;
mod lengths;
mod purging;
mod races;
mod revocation;
mod scene;
mod sessions;
mod spending;

pub use self::{
    adoption::*, consuming::*, generations::*, ids::*, lengths::*, purging::*, races::*,
    revocation::*, sessions::*, spending::*,
};

/// The number of times that the tests run each race.
#[doc(hidden)]
pub const ROUNDS: usize = 10;

/// Generates a test for each rule of the [conformance suite](crate::store::conformance).
///
/// The argument is an expression for a [`TokenStore`](crate::store::TokenStore). Each test
/// evaluates it, and it may `.await`. Call the macro in a module of its own, because it defines a
/// function for each test. The crate must depend on tokio with the features `macros` and
/// `rt-multi-thread`.
///
/// ```test_harness
/// use tower_jwt_auth::store::MemoryStore;
///
/// async fn connect() -> MemoryStore {
///     MemoryStore::new()
/// }
///
/// mod conformance {
///     tower_jwt_auth::token_store_conformance!(super::connect().await);
/// }
/// ```
///
/// For a store that expires entries by itself, for example with Redis' `EXPIREAT`, leave out the
/// rules about purging:
///
/// ```test_harness
/// # use tower_jwt_auth::store::MemoryStore;
/// tower_jwt_auth::token_store_conformance!(MemoryStore::new(), forgets_by_itself);
/// ```
#[macro_export]
macro_rules! token_store_conformance {
    ($store:expr $(,)?) => {
        $crate::token_store_conformance!($store, forgets_by_itself);

        #[::tokio::test(flavor = "multi_thread")]
        async fn purging() {
            let store = $store;
            $crate::store::conformance::purging_forgets_what_is_due(&store).await;
            $crate::store::conformance::purging_keeps_to_its_limit(&store).await;
            $crate::store::conformance::uses_are_remembered_until_they_are_due(&store).await;
            $crate::store::conformance::spending_extends_what_is_remembered(&store).await;
            $crate::store::conformance::revoking_extends_what_is_remembered(&store).await;
            $crate::store::conformance::an_ended_session_outlives_its_access_tokens_only(&store)
                .await;
            $crate::store::conformance::an_ended_session_is_not_adopted_again(&store).await;
            $crate::store::conformance::revoked_users_outlast_their_sessions(&store).await;
        }
    };
    ($store:expr, forgets_by_itself $(,)?) => {
        $crate::token_store_conformance! {
            @rules $store;
            a_spent_token_gives_way_to_its_successor
            a_second_spending_ends_the_session
            any_token_but_the_newest_ends_the_session
            tokens_of_unknown_sessions_cannot_be_spent
            within_the_grace_a_token_gets_the_same_successor
            after_the_grace_a_second_spending_is_reuse
            the_grace_does_not_slide
            the_grace_ends_when_the_successor_is_spent
            the_grace_bears_clocks_that_differ
            a_revoked_token_cannot_be_spent

            an_unknown_session_is_adopted_when_asked
            a_token_is_adopted_once
            a_revoked_token_is_not_adopted
            a_revoked_user_has_only_later_tokens_adopted
            a_revoked_user_keeps_no_adopted_session
            a_known_session_is_not_adopted

            a_token_is_consumed_once
            a_revoked_token_cannot_be_consumed
            a_revoked_user_has_only_later_tokens_consumed
            a_generation_orders_events_of_one_second
            a_token_is_consumed_while_its_session_is_live
            other_ids_are_separate_from_tokens
            a_consumed_token_can_be_revoked

            unknown_tokens_are_not_revoked
            spent_refresh_tokens_are_revoked
            a_revoked_token_is_refused_alone
            a_revoked_session_ends_alone
            a_session_is_revoked_by_its_user_only
            revoking_an_unknown_session_changes_nothing
            a_known_session_is_not_begun_again
            a_revoked_user_loses_all_sessions
            a_revoked_user_may_keep_a_session
            a_revoked_user_may_log_in_again
            a_revoked_user_loses_tokens_without_session
            a_revocation_is_not_weakened_by_an_earlier_date

            a_session_is_listed_with_its_times
            a_session_keeps_its_label
            a_live_session_can_be_labelled
            only_live_sessions_can_be_labelled
            revoking_a_user_raises_the_generation
            a_login_before_a_revocation_is_refused
            a_login_after_a_revocation_stands
            logins_of_other_users_are_not_refused
            an_exception_spares_live_sessions_only

            a_limit_ends_what_was_used_longest_ago
            a_limit_ends_many_sessions
            a_limit_counts_live_sessions_only
            pages_list_each_session_once
            only_live_sessions_are_listed
            each_user_has_its_own_list
            users_may_share_ids
            users_with_the_same_session_id_do_not_affect_each_other

            odd_user_ids_are_kept_apart
            odd_session_ids_are_kept_apart
            odd_token_ids_are_kept_apart
            joined_ids_are_kept_apart
            an_empty_user_id_is_an_id
            ids_that_are_too_long_are_rejected
            the_longest_ids_are_accepted
        }
        $crate::token_store_conformance! {
            @races $store;
            one_of_many_spendings_is_first
            many_spendings_share_a_successor
            one_of_many_adoptions_is_first
            a_revoked_user_outruns_spendings
            a_revoked_session_outruns_spendings
            a_revoked_user_outruns_logins
            a_revocation_outruns_exceptions
            many_logins_keep_to_a_limit
            one_of_many_uses_is_first
            a_revoked_user_outruns_uses
            writes_of_one_user_do_not_collide
        }
    };
    (@rules $store:expr; $($rule:ident)*) => {$(
        #[::tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            let store = $store;
            $crate::store::conformance::$rule(&store).await;
        }
    )*};
    (@races $store:expr; $($rule:ident)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $rule() {
            let store = ::std::sync::Arc::new($store);
            let rounds = $crate::store::conformance::ROUNDS;
            $crate::store::conformance::$rule(&store, rounds).await;
        }
    )*};
}

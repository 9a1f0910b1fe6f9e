//! The public stores, which hide the generic one and its engines.

/// Implements what the public stores have in common, by the [`SqlStore`](super::store::SqlStore)
/// in their only field.
macro_rules! delegate_to_sql_store {
    ($store:ident) => {
        impl $store {
            /// Sets the prefix of the table names. Stores with different prefixes are independent.
            /// Default: `jwt_`.
            ///
            /// # Errors
            ///
            /// If `prefix` is not a lower-case letter or underscore, followed by up to 39
            /// lower-case letters, digits and underscores, or if it begins with `pg_` or
            /// `sqlite_`, which the engines reserve.
            pub fn with_table_prefix(self, prefix: &str) -> Result<Self, ConfigError> {
                self.0.with_table_prefix(prefix).map(Self)
            }

            /// Sets whether the first call that reaches the database creates or upgrades the
            /// tables. Default: `true`, so that a program can start before its database.
            ///
            /// If `false`, call [`migrate`](Self::migrate) or apply the [`schema`](Self::schema), for
            /// example with a role that may create tables when the role of the service may not. With
            /// `true`, a role that may not create tables can be used too, once there are tables.
            #[must_use]
            pub fn with_automatic_migration(self, automatic: bool) -> Self {
                Self(self.0.with_automatic_migration(automatic))
            }

            /// Creates the tables, or upgrades those of an earlier version of this crate.
            ///
            /// May be called repeatedly, and by several processes at once. Tables of a later
            /// version are left as they are, and can be used.
            ///
            /// # Errors
            ///
            /// If the database is unavailable, or if its role has to create tables and may not.
            pub async fn migrate(&self) -> Result<(), StoreError> {
                self.0.migrate().await
            }

            /// Returns the statements that [`migrate`](Self::migrate) runs on an empty database: one on
            /// each line.
            ///
            /// For teams that apply such statements with a tool of their own, and whose service has
            /// a role that may not create tables. Run them in one transaction. The statements of an
            /// upgrade are in [`migrations`](Self::migrations).
            #[must_use]
            pub fn schema(&self) -> String {
                self.0.migrations().collect()
            }

            /// Returns the statements that create or upgrade the tables, a script for each version
            /// of the tables. Together they are the [`schema`](Self::schema).
            ///
            /// A script records its version in the last of the [tables](Self#tables): if that
            /// contains a 2, the first two scripts were applied. Scripts never change, and later
            /// versions of this crate only add more. The tables remain usable by the previous version
            /// of this crate.
            pub fn migrations(&self) -> impl Iterator<Item = String> {
                self.0.migrations()
            }

            /// The statements that this store runs, for `EXPLAIN` and for review. They may change
            /// with any version of this crate.
            pub fn statements(&self) -> impl Iterator<Item = &str> {
                self.0.statements()
            }
        }

        impl TokenStore for $store {
            async fn generation(&self) -> Result<Generation, StoreError> {
                self.0.generation().await
            }

            async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
                self.0.begin(session).await
            }

            async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
                self.0.spend(spend).await
            }

            async fn consume(
                &self,
                consume: &Consume<'_>,
                _: NumericDate,
            ) -> Result<Consumed, StoreError> {
                self.0.consume(consume).await
            }

            async fn revoke(
                &self,
                revocation: &Revocation<'_>,
                now: NumericDate,
            ) -> Result<(), StoreError> {
                self.0.revoke(revocation, now).await
            }

            async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
                self.0.is_revoked(token).await
            }

            async fn sessions(
                &self,
                user_id: &UserId,
                now: NumericDate,
                page: Page<'_>,
            ) -> Result<SessionPage, StoreError> {
                self.0.sessions(user_id, now, page).await
            }

            async fn set_label(
                &self,
                user_id: &UserId,
                session_id: &str,
                label: Option<&str>,
                now: NumericDate,
            ) -> Result<bool, StoreError> {
                self.0.set_label(user_id, session_id, label, now).await
            }

            /// Fails if the database cannot be written to, also if it is locked or read-only.
            async fn ping(&self) -> Result<(), StoreError> {
                self.0.ping().await
            }

            async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
                self.0.purge(now, limit).await
            }
        }

        impl ThrottleStore for $store {
            async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
                self.0.attempt(attempt).await
            }

            async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
                self.0.take_back(attempt).await
            }

            async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
                self.0.forget_attempts(name).await
            }
        }

        impl fmt::Debug for $store {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($store))
                    .field("table_prefix", &self.0.prefix())
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use delegate_to_sql_store;

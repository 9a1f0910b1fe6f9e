use crate::error::ConfigError;

/// PostgreSQL truncates names after 63 bytes. Django generates no longer ones.
const MAX_NAME_LEN: usize = 63;

/// The names of the table of Django's `AUTH_USER_MODEL` and its columns.
///
/// ```
/// use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoUsers, UserTable};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
/// # let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
/// // class Member(AbstractBaseUser):
/// //     uuid = models.UUIDField(unique=True)
/// //     email = models.EmailField(unique=True)
/// //     USERNAME_FIELD = "email"
/// //
/// // SIMPLE_JWT = {"USER_ID_FIELD": "uuid"}
/// let members = UserTable::new("accounts_member")
///     .with_user_id("uuid")
///     .with_username("email")
///     .with_is_active(None);
/// let users = DjangoUsers::new(database).with_table(members)?;
/// # drop(users);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct UserTable {
    pub(super) name: String,
    pub(super) primary_key: String,
    pub(super) user_id: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) is_active: Option<String>,
    pub(super) last_login: Option<String>,
}

impl UserTable {
    /// The table `name`, whose columns have the names of those in `auth_user`, as in a model derived
    /// from `AbstractUser`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            primary_key: "id".to_owned(),
            user_id: "id".to_owned(),
            username: "username".to_owned(),
            password: "password".to_owned(),
            is_active: Some("is_active".to_owned()),
            last_login: Some("last_login".to_owned()),
        }
    }

    /// Sets the column of the primary key. Default: `id`.
    ///
    /// If tokens identify users by it, set [`with_user_id`](Self::with_user_id) as well.
    pub fn with_primary_key(mut self, column: impl Into<String>) -> Self {
        self.primary_key = column.into();
        self
    }

    /// Sets the column by which tokens identify users, SimpleJWT's `USER_ID_FIELD`. Default: `id`.
    pub fn with_user_id(mut self, column: impl Into<String>) -> Self {
        self.user_id = column.into();
        self
    }

    /// Sets the column by which users log in, Django's `USERNAME_FIELD`. Default: `username`.
    pub fn with_username(mut self, column: impl Into<String>) -> Self {
        self.username = column.into();
        self
    }

    /// Sets the column of the password hash. Default: `password`.
    pub fn with_password(mut self, column: impl Into<String>) -> Self {
        self.password = column.into();
        self
    }

    /// Sets the column that holds whether a user may log in. With `None` all users may. Default:
    /// `is_active`.
    pub fn with_is_active<'a>(mut self, column: impl Into<Option<&'a str>>) -> Self {
        self.is_active = column.into().map(str::to_owned);
        self
    }

    /// Sets the column of the last login. With `None` logins are not recorded. Default:
    /// `last_login`.
    pub fn with_last_login<'a>(mut self, column: impl Into<Option<&'a str>>) -> Self {
        self.last_login = column.into().map(str::to_owned);
        self
    }

    /// All columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        [&self.primary_key, &self.user_id, &self.username, &self.password]
            .into_iter()
            .chain(&self.is_active)
            .chain(&self.last_login)
            .map(String::as_str)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_name = |name: &str| (1..=MAX_NAME_LEN).contains(&name.len()) && !name.contains('\0');
        if self.columns().chain([&*self.name]).all(is_name) {
            Ok(())
        } else {
            Err(ConfigError::out_of_range(
                "the names of the table and columns of users must have 1 to 63 bytes and no NUL",
            ))
        }
    }
}

impl Default for UserTable {
    /// `auth_user`, the table of Django's own model.
    fn default() -> Self {
        Self::new("auth_user")
    }
}

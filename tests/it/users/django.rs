//! Names are compared as Django compares them.

use serde_json::{Value, json};
use tower_jwt_auth::user::{AccountBackend, AccountError, FieldProblem, login_key};

use crate::support::python;

use super::database::{Database, create, on_both_databases};

on_both_databases! {
    what_django_finds_taken_is_taken
}

/// Names in several spellings.
const NAMES: [&str; 48] = [
    "ada",
    "Ada",
    "ADA",
    "Ａｄａ",
    "𝐀𝐝𝐚",
    "ａｄａ",
    "adá",
    "ada\u{301}",
    "ADÁ",
    "straße",
    "STRASSE",
    "strasse",
    "STRAẞE",
    "ﬁnn",
    "finn",
    "FINN",
    "Ⅳ",
    "iv",
    "IV",
    "①",
    "1",
    "istanbul",
    "ISTANBUL",
    "İstanbul",
    "i\u{307}stanbul",
    "ıstanbul",
    "Σίσυφος",
    "ΣΊΣΥΦΟΣ",
    "σίσυφοσ",
    "ΐ",
    "\u{1fd3}",
    "µ",
    "μ",
    "Å",
    "\u{212b}",
    "å",
    "\u{212a}",
    "k",
    "ſ",
    "s",
    "Ꭰ",
    "ꭰ",
    "\u{2126}",
    "ω",
    "ﷺ",
    "ǅ",
    "ǆ",
    "ᾳ",
];

/// The pairs that Django's password reset finds equal, and the names that its sign-up form finds
/// taken after the names before them were created.
const SCRIPT: &str = r#"
import json, sys
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    AUTH_PASSWORD_VALIDATORS=[],
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.forms import UserCreationForm, _unicode_ci_compare

names = json.load(sys.stdin)
equal = [[a, b] for a in names for b in names if _unicode_ci_compare(a, b)]
taken = []
for name in names:
    form = UserCreationForm({"username": name, "password1": "x", "password2": "x"})
    if form.is_valid():
        form.save()
    else:
        codes = [error.code for error in form.errors.as_data()["username"]]
        taken.append([name, "unique" in codes])
json.dump({"equal": equal, "taken": taken}, sys.stdout)
"#;

fn django() -> Option<Value> {
    python::run(SCRIPT, &json!(NAMES.as_slice()))
}

#[test]
fn keys_are_equal_where_django_finds_names_equal() {
    let Some(django) = django() else { return };
    let own = NAMES.iter().flat_map(|a| NAMES.map(|b| (*a, b)));
    let own: Vec<_> = own.filter(|(a, b)| login_key(a) == login_key(b)).collect();
    assert_eq!(json!(own), django["equal"]);
    assert!(own.len() > NAMES.len() + 30, "the spellings are of few names: {}", own.len());
}

/// Django's form compares by the rules of the database, which know less about Unicode.
async fn what_django_finds_taken_is_taken(database: Database) {
    let Some(django) = django() else { return };
    let is_taken_at_django = |name: &str| {
        let taken = django["taken"].as_array().unwrap();
        let problem = taken.iter().find(|problem| problem[0] == name);
        problem.map(|problem| problem[1].as_bool().unwrap())
    };
    let users = database.users();
    let mut created: Vec<&str> = Vec::new();
    for name in NAMES {
        let has_equal = created.iter().any(|other| login_key(other) == login_key(name));
        match create(&users, name, None).await {
            Ok(account) => {
                assert!(!has_equal, "{name}");
                assert_ne!(is_taken_at_django(name), Some(true), "{name}");
                assert_eq!(account.username(), Some(name));
                created.push(name);
            }
            Err(AccountError::Rejected(problems)) => {
                assert_eq!(problems.username, Some(FieldProblem::Taken), "{name}");
                assert!(has_equal, "{name}");
                assert!(users.account_by_username(name).await.unwrap().is_some());
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

"""Prints passwords, users and what Django's validators say of them, as JSON."""

import json
import random
import sys
import unicodedata

import django
from django.conf import settings

NAMES = "UserAttributeSimilarity MinimumLength CommonPassword NumericPassword".split()
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    AUTH_PASSWORD_VALIDATORS=[
        {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in NAMES
    ],
)
django.setup()

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    get_default_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError

randomly = random.Random(json.load(sys.stdin)["seed"])

# Characters that this version of Unicode assigns, except for surrogates.
ASSIGNED = [
    char
    for char in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(char) not in ("Cn", "Cs")
]
DIGITS = [char for char in ASSIGNED if char.isdigit()]
NUMERIC = [char for char in ASSIGNED if char.isnumeric() and not char.isdigit()]
CASED = [char for char in ASSIGNED if char.lower() != char]
SPACES = [char for char in ASSIGNED if char.isspace()]
MARKS = [char for char in ASSIGNED if unicodedata.category(char)[0] in "MPS"]
ASCII = [chr(code) for code in range(0x20, 0x7F)]
ALPHABETS = [ASSIGNED, DIGITS, NUMERIC, CASED, SPACES, MARKS, ASCII, "İIıiΣσςß", "0123456789"]

USERS = [
    {"username": "ada", "first_name": "Ada", "last_name": "Lovelace", "email": "ada.lovelace@analytical.example"},
    {"username": "ΟΔΥΣΣΕΥΣ", "first_name": "Ὀδυσσεύς", "last_name": "ΛΑΕΡΤΙΆΔΗΣ", "email": "odysseus+ithaka@ithaka.example"},
    {"username": "İstanbul_user-1453", "first_name": "Ayşe Nur", "last_name": "Yılmaz", "email": "ayse@example.com"},
    {"username": "देवनागरी", "first_name": "हिन्दी", "last_name": "", "email": "x@y.example"},
    {"username": "12345678", "first_name": "", "last_name": "O'Brien-Smith", "email": ""},
    {"username": "--", "first_name": "", "last_name": "", "email": "@"},
    {"username": "a" * 150, "first_name": "a b c d e", "last_name": " spaced  out ", "email": "Ⅻ²①@ⅷ.example"},
    {},
]


def text(alphabet, length):
    return "".join(randomly.choice(alphabet) for _ in range(length))


def similar(value):
    """A password like an attribute."""
    chars = list(value)
    for _ in range(randomly.randrange(6)):
        at = randomly.randrange(len(chars) + 1)
        change = randomly.randrange(3)
        if change == 0:
            chars.insert(at, randomly.choice(randomly.choice(ALPHABETS)))
        elif change == 1:
            del chars[at : at + 1]
        else:
            randomly.shuffle(chars)
    forms = [str, str.upper, str.title, str.swapcase, lambda text: text[::-1], lambda text: text * 2]
    return randomly.choice(forms)("".join(chars))


def passwords():
    common = sorted(CommonPasswordValidator().passwords)
    yield from ((password, {}) for password in common)
    for password in randomly.sample(common, 2000):
        password = randomly.choice([str.upper, str.title, str.swapcase])(password)
        around = [text(SPACES, randomly.randrange(3)) for _ in range(2)]
        yield password.join(around), randomly.choice(USERS)
        yield password + text(ASCII, 1), randomly.choice(USERS)
    for length in [*range(20), *range(0, 129, 8)]:
        for alphabet in ALPHABETS:
            for _ in range(6):
                yield text(alphabet, length), randomly.choice(USERS)
    for user in USERS:
        for value in user.values():
            parts = [value, *value.replace("@", ".").split(".")]
            for _ in range(120):
                yield similar(randomly.choice(parts)), user
        yield "", user


def errors(password, user, min_length):
    validators = list(get_default_password_validators())
    validators[1] = MinimumLengthValidator(min_length)
    try:
        validate_password(password, User(**user), validators)
    except ValidationError as error:
        return [(each.code, *each.messages) for each in error.error_list]
    return []


cases = []
for password, user in passwords():
    if len(password) <= 128:
        min_length = randomly.choice([8, 8, 8, 1, 12])
        cases.append(
            {
                "password": password,
                "user": user,
                "min_length": min_length,
                "errors": errors(password, user, min_length),
            }
        )
json.dump(cases, sys.stdout)

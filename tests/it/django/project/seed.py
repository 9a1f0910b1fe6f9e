"""Migrates an empty database and creates the users of the tests: `seed.py USERS`."""

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BCryptPasswordHasher,
    BCryptSHA256PasswordHasher,
    MD5PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    ScryptPasswordHasher,
)
from django.core.management import call_command

call_command("migrate", verbosity=0)

User = get_user_model()
HASHERS = {
    hasher.algorithm: hasher
    for hasher in [
        Argon2PasswordHasher,
        BCryptPasswordHasher,
        BCryptSHA256PasswordHasher,
        MD5PasswordHasher,
        PBKDF2PasswordHasher,
        PBKDF2SHA1PasswordHasher,
        ScryptPasswordHasher,
    ]
}
for fields in json.loads(sys.argv[1]):
    password, algorithm, stored = (
        fields.pop(name, None) for name in ("password", "algorithm", "stored")
    )
    user = User(**fields)
    if stored is not None:
        user.password = stored
    elif algorithm is None:
        user.set_password(password)
    else:
        hasher = HASHERS[algorithm]()
        user.password = hasher.encode(password, hasher.salt())
    user.save()

"""A project with SimpleJWT. The environment sets what the tests vary."""

import json
import os
from datetime import timedelta

SECRET_KEY = os.environ["SECRET_KEY"]
DATABASES = json.loads(os.environ["DATABASES"])
BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"

ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "rest_framework_simplejwt",
]
if os.environ["TOKEN_BLACKLIST_APP"] == "1":
    INSTALLED_APPS.append(BLACKLIST_APP)
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "urls"
USE_TZ = "TIME_ZONE" not in os.environ
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Django's own list. The first entry has a configurable number of iterations.
PASSWORD_HASHERS = [
    "hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]

REST_FRAMEWORK = {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}


def setting(name, value):
    return timedelta(seconds=value) if name.endswith("_LIFETIME") else value


SIMPLE_JWT = {
    name: setting(name, value) for name, value in json.loads(os.environ["SIMPLE_JWT"]).items()
}

"""The preferred hasher, as costly as the environment says."""

import os

from django.contrib.auth import hashers


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    iterations = int(os.environ["PASSWORD_ITERATIONS"])

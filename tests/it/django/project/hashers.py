"""The preferred hasher, with the number of iterations from the environment."""

import os

from django.contrib.auth import hashers


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    iterations = int(os.environ["PASSWORD_ITERATIONS"])

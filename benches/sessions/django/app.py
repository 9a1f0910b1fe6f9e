"""A Django project in one file: sessions and SimpleJWT for the same login and the same route.

Run as a program, it creates the tables and the user.
"""

import json
import os
import sys
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

URL = urlsplit(os.environ["DATABASE_URL"])
QUERY = {name: values[-1] for name, values in parse_qs(URL.query).items()}

settings.configure(
    SECRET_KEY="a secret of the benchmark, longer than the 50 bytes that Django wants",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": URL.path.lstrip("/"),
            "USER": unquote(URL.username or ""),
            "PASSWORD": unquote(URL.password or ""),
            "HOST": QUERY.get("host", URL.hostname or ""),
            "PORT": QUERY.get("port", str(URL.port or "")),
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "rest_framework",
    ],
    MIDDLEWARE=[
        # Sets the length of responses.
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=[f"{__name__}.Hasher"],
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)


class Hasher(Argon2PasswordHasher):
    """The parameters of the other subjects."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


import django  # noqa: E402

django.setup()

from django.contrib.auth import authenticate, login, logout  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.decorators import (  # noqa: E402
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication  # noqa: E402
from rest_framework_simplejwt.views import TokenObtainPairView  # noqa: E402


def log_in(request):
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        return HttpResponse(status=401)
    login(request, user)
    return HttpResponse(status=204)


def log_out(request):
    logout(request)
    return HttpResponse(status=204)


@api_view(["GET"])
@authentication_classes([JWTAuthentication])
@permission_classes([IsAuthenticated])
def me_by_token(request):
    return Response({"username": request.user.username})


def me(request):
    if "Authorization" in request.headers:
        return me_by_token(request)
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    return JsonResponse({"username": request.user.username})


urlpatterns = [
    path("login", log_in),
    path("logout", log_out),
    path("api/me", me),
    path("api/token/", TokenObtainPairView.as_view()),
]
application = get_wsgi_application()

if __name__ == "__main__":
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_user(**json.loads(sys.argv[1]))

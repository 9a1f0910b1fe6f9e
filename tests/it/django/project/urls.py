"""The routes of the example `django`, and one that runs actions of an administrator."""

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt import views
from rest_framework_simplejwt.authentication import (
    JWTAuthentication,
    JWTStatelessUserAuthentication,
)
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch


class Hello(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user_id": request.user.pk, "username": request.user.get_username()})


class Stateless(APIView):
    authentication_classes = [JWTStatelessUserAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user_id": str(request.user.id)})


class Admin(APIView):
    """Actions of an administrator."""

    authentication_classes = []
    permission_classes = []

    def post(self, request):
        action = getattr(self, request.data["action"])
        return Response(action(**request.data["arguments"]))

    def create_user(self, username, password, **fields):
        return {"id": get_user_model().objects.create_user(username, "", password, **fields).pk}

    def set_password(self, user_id, password):
        user = get_user_model().objects.get(pk=user_id)
        user.set_password(password)
        user.save()

    def set_active(self, user_id, is_active):
        get_user_model().objects.filter(pk=user_id).update(is_active=is_active)

    def delete_user(self, user_id):
        get_user_model().objects.get(pk=user_id).delete()

    def outstand(self, jti, exp):
        OutstandingToken.objects.create(jti=jti, token="", expires_at=datetime_from_epoch(exp))

    def blacklist(self, jti):
        BlacklistedToken.objects.create(token=OutstandingToken.objects.get(jti=jti))

    def flush_expired_tokens(self):
        call_command("flushexpiredtokens")


urlpatterns = [
    path("api/token/", views.TokenObtainPairView.as_view()),
    path("api/token/refresh/", views.TokenRefreshView.as_view()),
    path("api/token/verify/", views.TokenVerifyView.as_view()),
    path("api/token/blacklist/", views.TokenBlacklistView.as_view()),
    path("api/token/sliding/", views.TokenObtainSlidingView.as_view()),
    path("api/token/sliding/refresh/", views.TokenRefreshSlidingView.as_view()),
    path("api/hello/", Hello.as_view()),
    path("api/stateless/", Stateless.as_view()),
    path("admin/", Admin.as_view()),
]

"""Authentication of calls to Magento: three `requests` auth objects that never expose their secrets."""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections.abc import Callable
from decimal import Decimal

import requests
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from requests.auth import AuthBase
from requests_oauthlib import OAuth1 as SignedWithOAuth1

from magodoo.connectors.magento.connection import AdminLogin, Auth, BearerToken
from magodoo.errors import Unauthorized, Unreadable
from magodoo.money import parse_json

# Both log whole Authorization headers at level DEBUG.
for _talkative in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)

RENEW_BEFORE = 300.0  # seconds before a token expires at which a new one is fetched
UNKNOWN_LIFETIME = 3600.0  # the default of `webapi/jwtauth/admin_expiration` (docs/facts/magento-2.4.7.md#1)


class LoginRefused(Unauthorized):
    """User and password were refused. This client does not retry: six failures lock the user (docs/facts/magento-2.4.7.md#1)."""


class Bearer(AuthBase):
    """A token that never expires."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with the token in its header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class RenewedToken(AuthBase):
    """An admin token, fetched on first use, before it expires, and after Magento refused it."""

    def __init__(self, fetch: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock, self._lock = fetch, clock, threading.Lock()
        self._token, self._renew_at = "", 0.0
        self._refusal: LoginRefused | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with a valid token in its header. Raises LoginRefused."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._renew()
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _renew(self) -> None:
        if self._refusal:
            raise self._refusal
        asked_at = self._clock()
        try:
            self._token = self._fetch()
        except LoginRefused as refusal:
            self._refusal = refusal
            raise
        # The lifetime is counted from our request: Magento's clock may differ by hours.
        lifetime = lifetime_of(self._token)
        self._renew_at = asked_at + max(lifetime - RENEW_BEFORE, lifetime / 2)

    def forget(self) -> None:
        """Drop the token: the next call fetches a new one."""
        with self._lock:
            self._token = ""


def lifetime_of(token: str) -> float:
    """Return the seconds between issue and expiry of a JWT; an hour (Magento's default) for a token that has none."""
    try:
        payload = token.split(".")[1]
        claims = parse_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        seconds = float(Decimal(claims["exp"]) - Decimal(claims["iat"]))
    except (IndexError, KeyError, TypeError, ValueError, ArithmeticError, binascii.Error, Unreadable):
        return UNKNOWN_LIFETIME
    return seconds if seconds > 0 else UNKNOWN_LIFETIME


def authenticator(auth: Auth, fetch_token: Callable[[AdminLogin], str]) -> AuthBase:
    """Return the auth object for a connection. `fetch_token` logs an admin in and returns the token."""
    if isinstance(auth, BearerToken):
        return Bearer(auth.token)
    if isinstance(auth, AdminLogin):
        return RenewedToken(lambda: fetch_token(auth))
    return SignedWithOAuth1(
        auth.consumer_key,
        client_secret=auth.consumer_secret,
        resource_owner_key=auth.access_token,
        resource_owner_secret=auth.access_token_secret,
        signature_method=SIGNATURE_HMAC_SHA256,
    )

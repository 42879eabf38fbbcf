"""Who is calling: bearer tokens, administrators' signed tokens, and OAuth 1.0a signatures verified for real."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote

from magodoo_sandbox.magento.accounts import Accounts, Admin, Integration
from magodoo_sandbox.magento.refusals import Refusal, bad, unauthorized

_FAR_FUTURE_SECONDS = 600


def authenticate(
    accounts: Accounts, method: str, url: str, query: str, headers: Mapping[str, str]
) -> Integration | Admin | None:
    """Return the caller, or None for nobody. `url` is scheme, Host header and path, as the signature covers them.

    Raises Refusal for OAuth headers that do not verify; a bad bearer is simply nobody (docs/facts/magento-2.4.7.md#1).
    """
    header = headers.get("authorization", "")
    kind, _, rest = header.partition(" ")
    if kind.lower() == "bearer":
        token = rest.strip()
        if token.count(".") == 2:
            return _admin_of(accounts, token)
        return accounts.by_token(token) if accounts.bearer_enabled else None
    if kind.lower() == "oauth":
        return _verify(accounts, method, url, query, rest)
    return None


def require(caller: Integration | Admin | None, resource: str) -> None:
    if resource == "anonymous":
        return
    if caller is None or not caller.allows(resource):
        raise unauthorized(resource)


def issue_admin_token(accounts: Accounts, username: str, password: str) -> str:
    """Return a signed token (HS256) that expires. Raises Refusal 401 for a wrong password."""
    for admin in accounts.admins:
        if admin.username == username and hmac.compare_digest(admin.password, password):
            now = int(time.time())
            claims = {"uid": admin.uid, "utypid": 2, "iat": now, "exp": now + accounts.admin_token_seconds}
            head = f"{_pack({'kid': '1', 'alg': 'HS256'})}.{_pack(claims)}"
            return f"{head}.{_sign(accounts, head)}"
    message = (
        "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
    )
    raise Refusal(401, message)


def _pack(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _sign(accounts: Accounts, head: str) -> str:
    digest = hmac.new(accounts.signing_key, head.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _admin_of(accounts: Accounts, token: str) -> Admin | None:
    head, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_sign(accounts, head).encode(), signature.encode()):
        return None
    packed = head.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return accounts.admin(claims["uid"]) if claims["exp"] > time.time() else None


def _verify(accounts: Accounts, method: str, url: str, query: str, header: str) -> Integration:
    sent = {unquote(key): unquote(value) for key, value in re.findall(r'([\w%~.-]+)="([^"]*)"', header)}
    if sent.get("oauth_signature_method") != "HMAC-SHA256":
        raise bad("Signature method %1 is not supported", [sent.get("oauth_signature_method", "")])
    integration = accounts.by_consumer(sent.get("oauth_consumer_key", ""))
    if integration is None or sent.get("oauth_token") != integration.access_token:
        raise Refusal(401, "A consumer having the specified key does not exist")
    _use_nonce(accounts, integration, sent)
    parameters = [(key, value) for key, value in sent.items() if key not in ("oauth_signature", "realm")]
    parameters += _query_parameters(query)
    if not hmac.compare_digest(
        _signature(method, url, parameters, integration).encode(), sent.get("oauth_signature", "").encode()
    ):
        raise Refusal(401, "The signature is invalid. Verify and try again.")
    return integration


def _query_parameters(query: str) -> list[tuple[str, str]]:
    """Return a `+` is not a space to the signature check, which is why requests' own encoding fails (docs/facts/magento-2.4.7.md#1)."""
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)


def _use_nonce(accounts: Accounts, integration: Integration, sent: Mapping[str, str]) -> None:
    try:
        stamp = int(sent.get("oauth_timestamp", ""))
    except ValueError:
        stamp = -1
    if stamp <= 0 or stamp > time.time() + _FAR_FUTURE_SECONDS or not sent.get("oauth_nonce"):
        raise Refusal(401, "An error occurred validating the nonce")
    nonce = (integration.consumer_key, sent["oauth_nonce"])
    if nonce in accounts.nonces:
        message = "The nonce is already being used by the consumer with ID %1"
        raise Refusal(401, message, [str(integration.consumer_id)])
    accounts.nonces.add(nonce)


def _signature(method: str, url: str, parameters: list[tuple[str, str]], integration: Integration) -> str:
    encoded = [(_escape(key), _escape(value)) for key, value in parameters]
    encoded.sort(key=lambda pair: (natural_key(pair[0]), natural_key(pair[1])))
    joined = "&".join(f"{key}={value}" for key, value in encoded)
    base = "&".join((method.upper(), _escape(url), _escape(joined)))
    key = f"{_escape(integration.consumer_secret)}&{_escape(integration.access_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def _escape(text: str) -> str:
    return quote(text, safe="~")


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sorts as PHP's strnatcmp, which Magento signs by: 9 before 10, where the standard has bytes."""
    return [
        (1, int(part), "") if part.isdigit() else (0 if part < "0" else 2, 0, part)
        for part in re.findall(r"\d+|\D", text)
    ]

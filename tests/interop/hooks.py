"""Schemathesis hooks: request signing, and rules that the OpenAPI schemas do not express."""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import schemathesis
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.auth import AuthBase

import kalshi

SANDBOX = json.loads(os.environ["SANDBOX"])
ROOT_ID = SANDBOX["api_key_id"]
ROOT = load_pem_private_key(Path(SANDBOX["private_key_path"]).read_bytes(), None)
PUBLIC_KEYS = [
    kalshi.public_pem(ed25519.Ed25519PrivateKey.generate()),
    kalshi.public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
]


class Signed(AuthBase):
    """Signs a request just before it is sent. The check `ignored_auth` sends requests without it."""

    def __call__(self, request):
        path = urlsplit(request.url).path
        request.headers.update(kalshi.headers(ROOT_ID, ROOT, request.method, path))
        return request


schemathesis.auth.set_from_requests(Signed())


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Links created keys to deleteApiKey, which would otherwise only be called with random IDs and return 404."""
    link = {"operationId": "deleteApiKey", "parameters": {"api_key": "$response.body#/api_key_id"}}
    for path in "/api_keys", "/api_keys/generate":
        raw_schema["paths"][path]["post"]["responses"]["201"]["links"] = {"deleteTheKey": link}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Adjusts each generated request."""
    # Deleting the key that signs would make every later request return 401.
    if case.method == "DELETE" and case.path_parameters.get("api_key") == ROOT_ID:
        case.path_parameters["api_key"] = str(uuid4())
    is_negative = case.meta and case.meta.generation.mode.is_negative
    if isinstance(case.body, dict) and not is_negative:
        case.body = satisfy_prose_rules(case.body)
    # Our description requires `scopes`, but the sandbox, like the service, accepts requests without it.
    if isinstance(case.body, dict) and is_negative and case.method == "POST":
        case.body.setdefault("scopes", None)


def satisfy_prose_rules(body):
    """Makes a schema-valid body satisfy the rules that the description only states in prose, so that it is not rejected.
    progenitor does not support the schemas that could express them. sdk.mjs and the tests of the sandbox check that
    violations are rejected."""
    body = dict(body)
    if "public_key" in body and body["public_key"] not in PUBLIC_KEYS:
        body["public_key"] = PUBLIC_KEYS[len(body["public_key"]) % len(PUBLIC_KEYS)]
    # Mutually exclusive.
    if "subaccount" in body and "fcm_subtrader_id" in body:
        del body["subaccount" if len(body["name"]) % 2 else "fcm_subtrader_id"]
    # The meaning of an empty list is undocumented, so the sandbox rejects it.
    if body.get("scopes") == []:
        body["scopes"] = ["read"]
    # `write` requires `read`.
    if "write" in body.get("scopes", []) and "read" not in body["scopes"]:
        body["scopes"] = ["read", *body["scopes"]]
    return body


@schemathesis.check
def error_body(ctx, response, case):
    """Checks error bodies, since all members of the error schema are optional. The sandbox uses two of the formats
    observed from the service."""
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    body = response.json()
    error = body.get("error", body)
    assert {"code", "message"} <= error.keys() <= {"code", "message", "details"}, f"unexpected error format: {body}"
    assert all(isinstance(value, str) and value for value in error.values()), f"empty error member: {body}"


responses = Counter()


@schemathesis.hook
def after_call(context, case, response):
    responses[f"{case.operation.definition.raw['operationId']} {case.method} {response.status_code}"] += 1


@atexit.register
def write_counts():
    Path(os.environ["RESPONSE_COUNTS"]).write_text(json.dumps(responses))

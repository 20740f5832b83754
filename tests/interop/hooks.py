"""What Schemathesis cannot know from the spec: how requests are signed, and the rules that only its prose states."""

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
    """Signs what is about to be sent, as it stands then; the checks of ignored authentication send without."""

    def __call__(self, request):
        path = urlsplit(request.url).path
        request.headers.update(kalshi.headers(ROOT_ID, ROOT, request.method, path))
        return request


schemathesis.auth.set_from_requests(Signed())


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A key that was made can be deleted. Without, deleting would meet made-up IDs only, and 404."""
    link = {"operationId": "deleteApiKey", "parameters": {"api_key": "$response.body#/api_key_id"}}
    for path in "/api_keys", "/api_keys/generate":
        raw_schema["paths"][path]["post"]["responses"]["201"]["links"] = {"deleteTheKey": link}


@schemathesis.hook
def before_call(context, case, kwargs):
    """The last word on a request, whichever phase made it up."""
    # The key that signs is not deleted, or all that follows would be 401.
    if case.method == "DELETE" and case.path_parameters.get("api_key") == ROOT_ID:
        case.path_parameters["api_key"] = str(uuid4())
    is_negative = case.meta and case.meta.generation.mode.is_negative
    if isinstance(case.body, dict) and not is_negative:
        case.body = by_the_prose(case.body)
    # The spec requires `scopes` of our client; the sandbox takes a missing list from others, as the service does.
    if isinstance(case.body, dict) and is_negative and case.method == "POST":
        case.body.setdefault("scopes", None)


def by_the_prose(body):
    """A body that keeps to the schema is made to keep to the rules of the spec's prose too, else the refusals that they
    ask for would count as faults. The generator of the client reads no schema that says them. That what breaks them is
    refused is held by sdk.mjs and by the sandbox's own tests."""
    body = dict(body)
    if "public_key" in body and body["public_key"] not in PUBLIC_KEYS:
        body["public_key"] = PUBLIC_KEYS[len(body["public_key"]) % len(PUBLIC_KEYS)]
    # Mutually exclusive.
    if "subaccount" in body and "fcm_subtrader_id" in body:
        del body["subaccount" if len(body["name"]) % 2 else "fcm_subtrader_id"]
    # No document says what an empty list means; the sandbox refuses it, so that nobody comes to rely on it.
    if body.get("scopes") == []:
        body["scopes"] = ["read"]
    # `write` needs `read` beside it.
    if "write" in body.get("scopes", []) and "read" not in body["scopes"]:
        body["scopes"] = ["read", *body["scopes"]]
    return body


@schemathesis.check
def error_body(ctx, response, case):
    """The spec's error schema asks for nothing, for the crate brings every body into it. The sandbox answers in two of
    the shapes that were recorded from the service."""
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    body = response.json()
    error = body.get("error", body)
    assert {"code", "message"} <= error.keys() <= {"code", "message", "details"}, f"another shape: {body}"
    assert all(isinstance(value, str) and value for value in error.values()), f"no reason given: {body}"


answers = Counter()


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.operation.definition.raw['operationId']} {case.method} {response.status_code}"] += 1


@atexit.register
def tell():
    Path(os.environ["ANSWERS"]).write_text(json.dumps(answers))

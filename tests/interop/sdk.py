"""Tests the sandbox with the unmodified official Python SDK, which signs with RSA only."""

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import kalshi_python_sync as sdk
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

import kalshi

SANDBOX = json.loads(os.environ["SANDBOX"])
FCM_SANDBOX = json.loads(os.environ["FCM_SANDBOX"])
RESTRICTED = "this API key is restricted to a single sub-account and cannot access this endpoint"
FORMS = {"pkcs1": PrivateFormat.TraditionalOpenSSL, "pkcs8": PrivateFormat.PKCS8}
failed = []


@contextmanager
def check(name):
    """Prints `ok NAME` or `not ok NAME`."""
    try:
        yield
    except Exception as error:  # Continue with the next check.
        failed.append(name)
        print(f"not ok sdk.py: {name}\n  {type(error).__name__} {error}", flush=True)
    else:
        print(f"ok sdk.py: {name}", flush=True)


def assert_equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} != {expected!r}")


def connect(sandbox, key_id, private_key):
    configuration = sdk.Configuration(host=sandbox["base_url"])
    configuration.api_key_id = key_id
    configuration.private_key_pem = private_key
    return sdk.KalshiClient(configuration)


def connect_root(sandbox):
    return connect(sandbox, sandbox["api_key_id"], Path(sandbox["private_key_path"]).read_text())


def rejection(error_type, call, *arguments, **keywords):
    """Returns the status, code and details of the SDK's own error, whose type must be exactly this one."""
    try:
        call(*arguments, **keywords)
    except sdk.ApiException as error:
        assert_equal(type(error), error_type)
        reason = json.loads(error.body)["error"]
        assert_equal("service" in reason, False)
        return " ".join(filter(None, [str(error.status), reason["code"], reason.get("details")]))
    raise AssertionError("accepted")


def generate_with(client, **members):
    """Generates a key with members that the SDK's model lacks, through its transport."""
    url = client.configuration.host + "/api_keys/generate"
    response = client.call_api("POST", url, {"Content-Type": "application/json"}, {"name": "n"} | members)
    response.read()
    return client.response_deserialize(response, {"201": "GenerateApiKeyResponse"}).data


def operations(client):
    """Returns a call of each operation."""
    return [
        lambda: client.get_api_keys(),
        lambda: client.create_api_key(name="n", public_key=PUBLIC_KEY),
        lambda: client.generate_api_key(name="n"),
        lambda: client.delete_api_key(str(uuid4())),
    ]


def ids(client):
    return [key.api_key_id for key in client.get_api_keys().api_keys]


def pem(key, form="pkcs8"):
    return key.private_bytes(Encoding.PEM, FORMS[form], NoEncryption()).decode()


PUBLIC_KEY = kalshi.public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
root = connect_root(SANDBOX)
fcm_root = connect_root(FCM_SANDBOX)
created = []

# First, because the faults apply to the first four requests.
with check("429 of each operation, with the documented body"):
    for call in operations(fcm_root):
        try:
            call()
        except sdk.ApiException as error:
            assert_equal((type(error), error.status), (sdk.ApiException, 429))
            assert_equal(error.body, '{"error": "too many requests"}')
            assert_equal("retry-after" in error.headers, False)
        else:
            raise AssertionError("accepted")

with check("lists the only key of a new account"):
    [key] = root.get_api_keys().api_keys
    assert_equal(key.to_dict(), {"api_key_id": SANDBOX["api_key_id"], "name": "root", "scopes": ["read", "write"]})

with check("generates a key and authenticates with it"):
    generated = root.generate_api_key(name="generated", scopes=["read"])
    created.append(generated.api_key_id)
    assert_equal(load_pem_private_key(generated.private_key.encode(), None).key_size, 2048)
    client = connect(SANDBOX, generated.api_key_id, generated.private_key)
    assert_equal(ids(client), [SANDBOX["api_key_id"], *created])
    reason = rejection(sdk.ForbiddenException, client.delete_api_key, generated.api_key_id)
    assert_equal(reason, "403 insufficient_scope")

for bits in (2048, 3072, 4096):
    with check(f"creates a key from an RSA-{bits} public key and authenticates with it"):
        pair = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        key_id = root.create_api_key(name=f"own {bits}", public_key=kalshi.public_pem(pair)).api_key_id
        created.append(key_id)
        for form in FORMS:
            assert_equal(key_id in ids(connect(SANDBOX, key_id, pem(pair, form))), True)
        assert_equal(root.get_api_keys().api_keys[-1].scopes, ["read", "write"])

with check("creates an Ed25519 key, but cannot sign with it"):
    pair = ed25519.Ed25519PrivateKey.generate()
    key_id = root.create_api_key(name="own Ed25519", public_key=kalshi.public_pem(pair)).api_key_id
    created.append(key_id)
    try:
        connect(SANDBOX, key_id, pem(pair))
    except ValueError:
        pass
    else:
        raise AssertionError("the SDK signs with Ed25519 now: test that instead")

with check("lists a key whose scopes and members are newer than the SDK"):
    newer = generate_with(root, scopes=["read", "write::fcm_risk"], subaccount=7, key_type="ed25519")
    created.append(newer.api_key_id)
    assert_equal(root.get_api_keys().api_keys[-1].scopes, ["read", "write::fcm_risk"])

for what, key_id, private_key, reason in [
    ("the private key of another key", SANDBOX["api_key_id"], generated.private_key, "INCORRECT_API_KEY_SIGNATURE"),
    ("an unknown key ID", str(uuid4()), generated.private_key, "NOT_FOUND"),
]:
    with check(f"401 for {what}"):
        client = connect(SANDBOX, key_id, private_key)
        for call in operations(client):
            assert_equal(rejection(sdk.UnauthorizedException, call), f"401 authentication_error {reason}")

with check("401 without a key"):
    client = sdk.KalshiClient(sdk.Configuration(host=SANDBOX["base_url"]))
    assert_equal(rejection(sdk.UnauthorizedException, client.get_api_keys), "401 token_authentication_failure")

with check("403 of each operation for a key of one sub-account, with the documented text"):
    restricted = generate_with(root, subaccount=0)
    created.append(restricted.api_key_id)
    client = connect(SANDBOX, restricted.api_key_id, restricted.private_key)
    for call in operations(client):
        try:
            call()
        except sdk.ForbiddenException as error:
            assert_equal(json.loads(error.body)["error"]["message"], RESTRICTED)
        else:
            raise AssertionError("accepted")

with check("401, not 403, for a key of one sub-account and a wrong signature"):
    client = connect(SANDBOX, restricted.api_key_id, generated.private_key)
    for call in operations(client):
        reason = rejection(sdk.UnauthorizedException, call)
        assert_equal(reason, "401 authentication_error INCORRECT_API_KEY_SIGNATURE")

with check("403 of each operation for a key bound to an FCM subtrader"):
    bound = generate_with(fcm_root, fcm_subtrader_id="u_desk7")
    client = connect(FCM_SANDBOX, bound.api_key_id, bound.private_key)
    for call in operations(client):
        assert_equal(rejection(sdk.ForbiddenException, call), "403 fcm_subtrader_key")

with check("403 for a subtrader when the account is not an FCM member"):
    reason = rejection(sdk.ForbiddenException, generate_with, root, fcm_subtrader_id="u_desk7")
    assert_equal(reason, "403 not_an_fcm_member")

with check("403 for a public key below Premier"):
    reason = rejection(sdk.ForbiddenException, fcm_root.create_api_key, name="n", public_key=PUBLIC_KEY)
    assert_equal(reason, "403 insufficient_api_usage_level")

with check("409 for a subtrader that is not visible, case included"):
    for subtrader in ("u_desk8", "u_DESK7"):
        reason = rejection(sdk.ConflictException, generate_with, fcm_root, fcm_subtrader_id=subtrader)
        assert_equal(reason, "409 fcm_subtrader_not_visible")

for what, call in [
    ("an invalid public key", lambda: root.create_api_key(name="n", public_key="none")),
    ("an empty name", lambda: root.generate_api_key(name="")),
    ("write without read", lambda: root.generate_api_key(name="n", scopes=["write"])),
    ("a scope that does not exist", lambda: root.generate_api_key(name="n", scopes=["all"])),
]:
    with check(f"400 for {what}"):
        assert_equal(rejection(sdk.BadRequestException, call), "400 invalid_parameters")

with check("404 when deleting an unknown key"):
    for key_id in (str(uuid4()), "a/b c", "50%", "é?#"):
        assert_equal(rejection(sdk.NotFoundException, root.delete_api_key, key_id), "404 not_found")

with check("deletes the created keys, which are then unknown"):
    for key_id in created:
        root.delete_api_key(key_id)
        assert_equal(rejection(sdk.NotFoundException, root.delete_api_key, key_id), "404 not_found")
    assert_equal(ids(root), [SANDBOX["api_key_id"]])
    client = connect(SANDBOX, generated.api_key_id, generated.private_key)
    reason = rejection(sdk.UnauthorizedException, client.get_api_keys)
    assert_equal(reason, "401 authentication_error NOT_FOUND")

sys.exit(bool(failed))

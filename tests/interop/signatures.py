"""Signatures between this crate and Python's `cryptography`, both ways: `signatures.py FOLDER`, where FOLDER/NAME.headers
were signed by the crate with FOLDER/NAME.private.pem."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from kalshi import SHA256, headers, pss, public_pem

SANDBOX = json.loads(os.environ["SANDBOX"])
ROOT = load_pem_private_key(Path(SANDBOX["private_key_path"]).read_bytes(), None)
FORMS = {"pkcs1": PrivateFormat.TraditionalOpenSSL, "pkcs8": PrivateFormat.PKCS8}
failed = []


@contextmanager
def check(what):
    """One line a check."""
    try:
        yield
    except Exception as error:  # Whatever it is, the next check runs.
        failed.append(what)
        print(f"not ok {what}\n  {type(error).__name__} {error}", flush=True)
    else:
        print(f"ok {what}", flush=True)


def equal(seen, expected):
    if seen != expected:
        raise AssertionError(f"{seen!r} is not {expected!r}")


def verifies(key, text, signature):
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text.encode(), pss(), SHA256)
        else:
            key.verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def send(key_id, key, method, path, body=None, **how):
    url = SANDBOX["base_url"] + path
    signed = headers(key_id, key, method, urlsplit(url).path, **how)
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(url, data, signed | {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)["error"].get("details")


def register(name, key):
    body = {"name": name, "public_key": public_pem(key)}
    status, answer = send(SANDBOX["api_key_id"], ROOT, "POST", "/api_keys", body)
    equal(status, 201)
    return answer["api_key_id"]


def reloaded(key, form):
    return load_pem_private_key(key.private_bytes(Encoding.PEM, FORMS[form], NoEncryption()), None)


REFUSED = (401, "INCORRECT_API_KEY_SIGNATURE")

for file in sorted(Path(sys.argv[1]).glob("*.headers")):
    with check(f"python verifies what the crate signed: {file.stem}"):
        ours = dict(line.split(": ") for line in file.read_text().splitlines())
        public = load_pem_private_key(file.with_suffix(".private.pem").read_bytes(), None).public_key()
        text = ours["kalshi-access-timestamp"] + "PUT/trade-api/v2/a%20b"
        signature = base64.b64decode(ours["kalshi-access-signature"], validate=True)
        equal(verifies(public, text, signature), True)
        equal(verifies(public, text + "/", signature), False)

for bits in (2048, 3072, 4096):
    pair = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    key_id = register(f"python {bits}", pair)
    for form in FORMS:
        with check(f"the sandbox accepts what python signed: RSA-{bits}, {form}"):
            answer = send(key_id, reloaded(pair, form), "GET", "/api_keys?fcm_subtrader_id=u_1")
            equal(answer, (200, {"api_keys": []}))
    for what, other in [
        ("a salt of 20 bytes", pss(20)),
        ("the longest salt", pss(padding.PSS.MAX_LENGTH)),
        ("the padding of PKCS#1 v1.5", padding.PKCS1v15()),
    ]:
        with check(f"the sandbox refuses, of python, {what}: RSA-{bits}"):
            equal(send(key_id, pair, "GET", "/api_keys", rsa_padding=other), REFUSED)

pair = ed25519.Ed25519PrivateKey.generate()
key_id = register("python Ed25519", pair)
with check("the sandbox accepts what python signed: Ed25519, pkcs8"):
    equal(send(key_id, reloaded(pair, "pkcs8"), "GET", "/api_keys")[0], 200)
with check("the sandbox refuses, of python, another text: Ed25519"):
    equal(send(key_id, pair, "GET", "/api_keys", signed="0DELETE/trade-api/v2/api_keys"), REFUSED)

for key_type, begin in [("rsa", "RSA PRIVATE KEY"), ("ed25519", "PRIVATE KEY")]:
    with check(f"python signs with a key that the sandbox generated: {key_type}"):
        body = {"name": "generated", "key_type": key_type}
        status, made = send(SANDBOX["api_key_id"], ROOT, "POST", "/api_keys/generate", body)
        equal(status, 201)
        equal(made["private_key"].splitlines()[0], f"-----BEGIN {begin}-----")
        generated = load_pem_private_key(made["private_key"].encode(), None)
        equal(send(made["api_key_id"], generated, "GET", "/api_keys")[0], 200)

sys.exit(bool(failed))

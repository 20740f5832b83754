"""Request signing with `cryptography`, shared by signatures.py and hooks.py."""

import base64
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SHA256 = hashes.SHA256()


def pss(salt=32):
    return padding.PSS(mgf=padding.MGF1(SHA256), salt_length=salt)


def sign(key, text, rsa_padding=None):
    """Returns the signature of a text, with the documented padding by default."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text.encode(), rsa_padding or pss(), SHA256)
    return key.sign(text.encode())


def headers(key_id, key, method, path, rsa_padding=None, signed=None):
    """Returns the three headers that sign a request. The path must not include the query."""
    timestamp = str(time.time_ns() // 1_000_000)
    signature = sign(key, signed or timestamp + method + path, rsa_padding)
    return {
        "KALSHI-ACCESS-KEY": key_id,
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

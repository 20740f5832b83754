"""Measures the time to sign a request with the official Python SDK (RSA-2048).

Run `pip install kalshi-python cryptography` first.

Prints the median of 101 rounds of ten signatures, as in `benches/peers.rs`.
"""

import statistics
import tempfile
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from kalshi_python.api_client import KalshiAuth

with tempfile.NamedTemporaryFile() as file:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    file.write(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    file.flush()
    auth = KalshiAuth("a952bcbe-ec3b-4b5b-b8f9-11dae589608c", file.name)

rounds = []
for _ in range(101):
    start = time.perf_counter()
    for _ in range(10):
        auth.create_auth_headers("GET", "/trade-api/v2/api_keys")
    rounds.append((time.perf_counter() - start) / 10)
print(f"kalshi-python {statistics.median(rounds) * 1e6:.1f} µs")

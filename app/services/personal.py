"""Sealing of personal fields: AES-GCM, one data key per appeal wrapped by the master key, keyed blind indexes.

The master key lives outside the database (setting MASTER_KEY, 32 bytes). Destroying an appeal's wrapped key
anonymises it (PIPL). The sealed form is ``version byte + 12-byte nonce + ciphertext``; the field's name is
authenticated with it, so a value cannot be moved to another column.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

_VERSION = b"\x01"
_NONCE = 12


class Unreadable(Exception):
    """A sealed value does not open under the configured master key."""


def new_key() -> bytes:
    """A fresh data key, wrapped by the master key, to be stored beside what it seals."""
    return _encrypt(_derived(b"wrap"), os.urandom(32), b"data-key")


def seal(data_key: bytes, field: str, plain: str) -> bytes | None:
    """Seal the text of `field` under a wrapped data key; an empty text stays None."""
    return seal_bytes(data_key, field, plain.encode()) if plain else None


def seal_all(texts: Mapping[str, str]) -> tuple[bytes, dict[str, bytes]]:
    """A fresh wrapped data key and the texts of several fields sealed under it: `new_key` and `seal` in one step."""
    data_key = os.urandom(32)
    wrapped = _encrypt(_derived(b"wrap"), data_key, b"data-key")
    return wrapped, {field: _encrypt(data_key, plain.encode(), field.encode()) for field, plain in texts.items()}


def reveal(data_key: bytes | None, field: str, sealed: bytes | None) -> str:
    """The plain text of `field`, or "" when it is empty or its key was destroyed. Raises Unreadable."""
    if sealed is None or data_key is None:
        return ""
    return reveal_bytes(data_key, field, sealed).decode()


def seal_bytes(data_key: bytes, field: str, plain: bytes) -> bytes:
    """Seal bytes (an uploaded file) of `field` under a wrapped data key."""
    return _encrypt(_unwrapped(data_key), plain, field.encode())


def reveal_bytes(data_key: bytes, field: str, sealed: bytes) -> bytes:
    """Bytes of `field` under a wrapped data key. Raises Unreadable."""
    return _decrypt(_unwrapped(data_key), sealed, field.encode())


def seal_staff(plain: str) -> bytes | None:
    """Seal a staff member's mobile number under a key derived from the master key."""
    return _encrypt(_derived(b"staff"), plain.encode(), b"mobile") if plain else None


def reveal_staff(sealed: bytes | None) -> str:
    """A staff member's mobile number, or "". Raises Unreadable."""
    return _decrypt(_derived(b"staff"), sealed, b"mobile").decode() if sealed else ""


def blind_index(field: str, normalised: str) -> bytes | None:
    """A keyed digest by which an exact value is found without being readable; None for an empty value."""
    if not normalised:
        return None
    return hmac.new(_derived(b"blind:" + field.encode()), normalised.encode(), hashlib.sha256).digest()[:16]


def _derived(purpose: bytes) -> bytes:
    master: bytes = current_app.config["MASTER_KEY"]
    cache: dict[bytes, bytes] = current_app.extensions.setdefault("personal_keys", {})
    if purpose not in cache:
        cache[purpose] = HKDF(SHA256(), 32, salt=None, info=b"appeals:" + purpose).derive(master)
    return cache[purpose]


def _unwrapped(data_key: bytes) -> bytes:
    return _decrypt(_derived(b"wrap"), data_key, b"data-key")


def _encrypt(key: bytes, plain: bytes, label: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, label)


def _decrypt(key: bytes, sealed: bytes, label: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], label)
    except InvalidTag as error:
        raise Unreadable(label.decode()) from error

"""What a password must be, what it must not hold, and one-time codes (等保 8.1.4.1 a, ASVS 6.2).

Complexity and age follow 等保, which here outranks ASVS; length, word list and free pasting follow ASVS. A
password is judged and hashed exactly as it was typed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from .errors import FieldErrors, FieldProblem

SHORTEST = 12
LONGEST = 128
CLASSES = 3
REMEMBERED = 5

# What a guesser tries first: everywhere, in China, and around this product. Compared after unfolding leet.
COMMON_WORDS = (
    "password", "passwort", "passw", "qwerty", "letmein", "welcome", "iloveyou", "dragon", "monkey",
    "football", "sunshine", "princess", "superman", "starwars", "trustno", "administrator", "sysadmin",
    "secadmin", "auditadmin", "manager", "default", "changeme", "test1234", "admin123", "admin888",
    "abc123", "abcd1234", "1q2w3e", "q1w2e3", "qazwsx", "zaq12wsx", "woaini", "5201314", "1314520",
    "zhongguo", "beijing", "jiangxi", "jiujiang", "xunyang", "lushan", "minsheng", "zhitongche",
    "zongzhiban", "shizhengfu", "zhengfu", "bangongting", "rexian", "8223172", "8211858", "7112345",
    "密码", "民声", "直通车", "九江", "市政府", "总值班室",
)  # fmt: skip
# Rows of a keyboard and the two alphabets: five neighbours in a row, either way, are a walk, not a choice.
_WALKS = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "!@#$%^&*()")
_WALK = 5
_REPEAT = re.compile(r"(.)\1{3}", re.DOTALL)
_LEET = str.maketrans("0134@5$7!", "oleaassti")
_SHORTEST_PART = 4

# No 0 O 1 I L U: codes are read aloud over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP = 4, 5


def problems(password: str, *, names: Iterable[str] = ()) -> tuple[FieldProblem, ...]:
    """Everything that is wrong with a new password; `names` are what it may not contain (login, own name)."""
    found: list[FieldProblem] = []

    def say(code: str, **data: object) -> None:
        found.append(FieldProblem("password", code, data))

    if len(password) < SHORTEST:
        say("password.too-short", shortest=SHORTEST)
    if len(password) > LONGEST:
        say("password.too-long", longest=LONGEST)
    if any(ord(character) < 32 or ord(character) == 127 for character in password):
        say("password.control-character")
    if classes(password) < CLASSES:
        say("password.too-plain", classes=CLASSES)
    folded = password[: LONGEST + 1].casefold()
    if any(name in folded or name[::-1] in folded for name in _guessable(names)):
        say("password.contains-name")
    if (word := _common(folded)) is not None:
        say("password.common", word=word)
    if _REPEAT.search(folded):
        say("password.repeated")
    if _walks(folded):
        say("password.sequence")
    return tuple(found)


def check(password: str, *, names: Iterable[str] = ()) -> None:
    """Accept a new password. Raises FieldErrors with every problem at once."""
    if found := problems(password, names=names):
        raise FieldErrors(found)


def classes(password: str) -> int:
    """How many of the four classes occur: lower case, upper case, digits, everything else."""
    return sum(bool(re.search(kind, password)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))


def expired(changed_at: datetime | None, now: datetime, days: int) -> bool:
    """Whether a password is older than `days`; one that was never chosen by its owner always is."""
    return changed_at is None or now - changed_at >= timedelta(days=days)


def new_code() -> str:
    """A one-time code such as 7KQ2M-…: 20 characters of 30, about 98 bits, without look-alikes."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _guessable(names: Iterable[str]) -> list[str]:
    """The names whole and in parts; a part as short as a family name (Lin) would forbid too many words."""
    found: set[str] = set()
    for name in names:
        whole = name.casefold()
        parts = [whole, *(part for part in re.split(r"[\W_]+", whole) if len(part) >= _SHORTEST_PART)]
        found.update(part for part in parts if len(part) >= (3 if part.isascii() else 2))
    return sorted(found)


def _common(folded: str) -> str | None:
    unfolded = folded.translate(_LEET)
    plain = re.sub(r"[\W_]+", "", unfolded)
    return next((word for word in COMMON_WORDS if word in folded or word in unfolded or word in plain), None)


def _walks(folded: str) -> bool:
    pieces = {folded[start : start + _WALK] for start in range(len(folded) - _WALK + 1)}
    return any(piece in walk or piece in walk[::-1] for piece in pieces for walk in _WALKS)

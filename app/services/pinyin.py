"""The stored key by which Chinese names are found and sorted: initials, a space, the full pinyin."""

from __future__ import annotations


def syllables(text: str) -> list[str]:
    """`公安局` → `["gong", "an", "ju"]`, in lower case; what is not Chinese stays as it is."""
    # The dictionary takes most of a second to load, and only writing a name needs it.
    from pypinyin import lazy_pinyin

    return [syllable.lower() for syllable in lazy_pinyin(text)]


def sort_key(text: str) -> str:
    """`市公安局` → `sgaj shi gong an ju`: found by its prefix, sorted by the rest (app/tables.py). At most 400
    characters.
    """
    sounds = syllables(text)
    initials = "".join(sound[0] for sound in sounds if sound.strip())
    return f"{initials} {' '.join(sounds)}"[:400]

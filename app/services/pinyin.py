"""The stored key by which Chinese names are sorted and filtered: initials, a space, the full pinyin."""

from __future__ import annotations

from pypinyin import lazy_pinyin


def sort_key(text: str) -> str:
    """`市公安局` → `sgaj shi gong an ju`: sorts by sound, and initials are its prefix. At most 400 characters."""
    syllables = [syllable.lower() for syllable in lazy_pinyin(text)]
    initials = "".join(syllable[0] for syllable in syllables if syllable.strip())
    return f"{initials} {' '.join(syllables)}"[:400]

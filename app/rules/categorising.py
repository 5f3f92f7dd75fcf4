"""Which first-level category a text is likely of: complement naive Bayes over the letters and letter pairs of texts.

Chinese has no spaces between words: pairs of neighbouring letters need no dictionary. Everything here is counting, so
a model is a table of whole numbers that can be read, compared and explained; it is never code (no pickle).
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .similarity import grams

# What an appeal is about stands at its beginning; its subject says it in few words, so it counts double.
READ = 2_000
SUBJECT = 2
FORM = 1
# Texts of one category from which it can be told at all, and how many features a model keeps.
FEWEST = 5
MOST_FEATURES = 20_000
_SMOOTHING = 100  # a tenth of a text
_WHOLE = 1_000  # a text's features weigh so much together (in squares); counts stay whole numbers
_UNPACKED = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Example:
    """A text whose category somebody decided."""

    subject: str
    body: str
    label: str


@dataclass(frozen=True, slots=True)
class Guess:
    """A category and the words that speak for it. A score is no probability, so none is told."""

    label: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """How much each feature weighs in the texts of each label (thousandths), and in how many texts it stands (`seen`).

    `texts` counts texts by label; `weights` follow from the rest.
    """

    labels: tuple[str, ...]
    texts: tuple[int, ...]
    seen: Mapping[str, int]
    counts: Mapping[str, tuple[int, ...]]
    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def n(self) -> int:
        """How many texts it was trained with."""
        return sum(self.texts)


def features(subject: str, body: str) -> Counter[str]:
    """Chinese letters and pairs of neighbours, once for each part they stand in; the subject counts double."""
    found: Counter[str] = Counter()
    for part, weight in ((subject, SUBJECT), (body[:READ], 1)):
        for feature in {*part, *grams(part)}:
            if all("\u4e00" <= letter <= "\u9fff" for letter in feature):
                found[feature] += weight
    return found


def train(examples: Iterable[Example]) -> Model:
    """Count. The same examples in any order give the same model; labels with fewer than FEWEST texts are left out."""
    known = sorted(set(examples), key=lambda one: (one.label, one.subject, one.body))
    texts = Counter(one.label for one in known)
    labels = tuple(sorted(label for label, count in texts.items() if count >= FEWEST))
    used = [one for one in known if one.label in labels]
    # Texts are cut into features twice, because the features of all of them together would fill the memory.
    often = Counter(feature for one in used for feature in features(one.subject, one.body))
    # A feature seen once says nothing about others; of the rest the commonest are kept.
    kept = sorted((-count, feature) for feature, count in often.items() if count > 1)[:MOST_FEATURES]
    seen = {feature: -count for count, feature in sorted(kept, key=lambda one: one[1])}
    counts = {feature: [0.0] * len(labels) for feature in seen}
    for one in used:
        at = labels.index(one.label)
        for feature, weight in _weighed(features(one.subject, one.body), seen, len(used)).items():
            counts[feature][at] += weight
    whole = {feature: tuple(round(value) for value in row) for feature, row in counts.items()}
    return _ready(Model(labels, tuple(texts[one] for one in labels), seen, whole))


def _weighed(found: Mapping[str, int], seen: Mapping[str, int], texts: int) -> dict[str, float]:
    """The features of a text by how rare they are, scaled so that a long text weighs no more than a short one."""
    raw = {
        feature: (1 + math.log(often)) * math.log(texts / seen[feature])
        for feature, often in sorted(found.items())
        if seen.get(feature, texts) < texts
    }
    length = math.sqrt(sum(value * value for value in raw.values())) or 1.0
    return {feature: _WHOLE * value / length for feature, value in raw.items()}


def _ready(model: Model) -> Model:
    """The model with its weights: how rare a feature is outside a label, spread evenly over long and short labels."""
    size = len(model.labels)
    totals = [sum(row[at] for row in model.counts.values()) for at in range(size)]
    everything, spread = sum(totals), _SMOOTHING * len(model.counts)
    raw = {
        feature: [
            math.log((everything - totals[at] + spread) / (sum(row) - often + _SMOOTHING))
            for at, often in enumerate(row)
        ]
        for feature, row in model.counts.items()
    }
    lengths = [math.fsum(abs(row[at]) for row in raw.values()) or 1.0 for at in range(size)]
    weights = {f: tuple(_WHOLE * value / lengths[at] for at, value in enumerate(row)) for f, row in raw.items()}
    return Model(model.labels, model.texts, model.seen, model.counts, weights)


def guesses(model: Model, subject: str, body: str, *, most: int = 3) -> tuple[Guess, ...]:
    """The likeliest labels, best first; none without a known feature, because a guess needs a reason."""
    found = _weighed(features(subject, body), model.seen, model.n)
    if not found or not model.labels:
        return ()
    scores = [math.fsum(value * model.weights[f][at] for f, value in found.items()) for at in range(len(model.labels))]
    ranked = sorted(range(len(scores)), key=lambda at: (-scores[at], model.labels[at]))
    return tuple(Guess(model.labels[at], _speaking(model, found, at)) for at in ranked[:most])


def _speaking(model: Model, found: Mapping[str, float], at: int, *, most: int = 3) -> tuple[str, ...]:
    """The pairs that speak most for a label against the mean of all labels; they stood in its texts."""
    size = len(model.labels)
    ranked = sorted(
        (value * (sum(model.weights[f]) / size - model.weights[f][at]), f)
        for f, value in found.items()
        if len(f) > 1 and model.counts[f][at]
    )
    return tuple(feature for value, feature in ranked[:most] if value < 0)


# --- on its way to the database ------------------------------------------------------------------------------


def packed(model: Model) -> bytes:
    """The counts as compressed JSON, the same bytes for the same model."""
    plain = {"form": FORM, "labels": model.labels, "texts": model.texts, "seen": model.seen, "counts": model.counts}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode(), 9)


def unpacked(content: bytes) -> Model:
    """The model in these bytes. Raises ValueError for what `packed` did not write."""
    stream = zlib.decompressobj()
    try:
        plain: Any = json.loads(stream.decompress(content, _UNPACKED))
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError("no model") from error
    if not isinstance(plain, dict) or plain.get("form") != FORM:
        raise ValueError("no model of this form")
    counts = {str(feature): tuple(map(int, row)) for feature, row in plain["counts"].items()}
    seen = {str(feature): int(count) for feature, count in plain["seen"].items()}
    return _ready(Model(tuple(plain["labels"]), tuple(plain["texts"]), seen, counts))


def digest(content: bytes) -> str:
    """Names a model by its content."""
    return hashlib.sha256(content).hexdigest()


# --- measuring -----------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One label's part of a measurement."""

    n: int = 0
    first: int = 0
    third: int = 0
    guessed: int = 0


@dataclass
class Measured:
    """A cross-validation: how many texts were told right at once, and among three."""

    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Texts that were judged."""
        return sum(row.n for row in self.rows.values())

    @property
    def top_1(self) -> float:
        """The share told right at once."""
        return sum(row.first for row in self.rows.values()) / self.n if self.n else 0.0

    @property
    def top_3(self) -> float:
        """The share whose category is among the first three."""
        return sum(row.third for row in self.rows.values()) / self.n if self.n else 0.0


def fold_of(one: Example, folds: int) -> int:
    """Which fold judges a text: by a digest of its words, so that the order of the rows plays no part."""
    said = hashlib.sha256(f"{one.subject}\n{one.body}".encode()).digest()
    return int.from_bytes(said[:8]) % folds


def cross_validate(examples: Iterable[Example], folds: int = 5) -> Measured:
    """Judge each text by a model that never saw it. The same text twice is one text; deterministic."""
    by_text = {(one.subject, one.body): one for one in sorted(examples, key=lambda one: one.label)}
    known = list(by_text.values())
    found = Measured()
    for fold in range(folds):
        model = train(one for one in known if fold_of(one, folds) != fold)
        for one in known:
            if fold_of(one, folds) != fold:
                continue
            said = [guess.label for guess in guesses(model, one.subject, one.body)]
            row = found.rows.setdefault(one.label, Row())
            row.n += 1
            row.first += said[:1] == [one.label]
            row.third += one.label in said
            if said:
                found.rows.setdefault(said[0], Row()).guessed += 1
    return found

"""The classifier on a small fictional corpus."""

from __future__ import annotations

import random
import zlib

import pytest

from app.rules import categorising as rules
from app.rules.categorising import Example

TOPICS = {
    "水电": ["自来水停了", "水压太低", "停电一天", "电费算错", "水管漏水", "变压器很响"],
    "道路": ["路灯不亮", "路面有坑", "公交不停站", "红绿灯坏了", "人行道被占", "道路施工扰民"],
    "教育": ["学校乱收费", "老师体罚学生", "幼儿园太少", "入学划片不公", "校车超载", "学校食堂不卫生"],
}
CORPUS = [
    Example(f"示例：{text}", f"示例小区居民反映{text}，请尽快处理{'。' * at}", label)
    for label, texts in TOPICS.items()
    for at in range(3)
    for text in texts
]


def test_it_tells_what_it_was_taught_and_with_which_words() -> None:
    first, *others = rules.guesses(rules.train(CORPUS), "学校收费", "示例学校又收费了")
    assert first.label == "教育"
    assert "学校" in first.words
    assert len(others) == 2


def test_the_order_of_the_examples_plays_no_part() -> None:
    shuffled = random.Random(7).sample(CORPUS, len(CORPUS))
    one, other = rules.packed(rules.train(CORPUS)), rules.packed(rules.train(shuffled + CORPUS))
    assert one == other
    assert rules.digest(one) == rules.digest(other)


def test_a_model_comes_back_as_it_was_kept() -> None:
    model = rules.train(CORPUS)
    again = rules.unpacked(rules.packed(model))
    assert again == model
    assert rules.guesses(again, "停电", "示例小区停电") == rules.guesses(model, "停电", "示例小区停电")


@pytest.mark.parametrize("content", [b"", b"no model", zlib.compress(b"[]"), zlib.compress(b'{"form": 0}')])
def test_what_is_no_model_is_not_read(content: bytes) -> None:
    with pytest.raises(ValueError):
        rules.unpacked(content)


def test_a_label_with_too_few_texts_is_not_taught() -> None:
    model = rules.train([*CORPUS, Example("示例", "少见的事", "少见")])
    assert "少见" not in model.labels
    assert model.n == len(CORPUS)


@pytest.mark.parametrize("text", ["", "abc 123", "🙂🙂"])
def test_words_nobody_taught_give_no_guess(text: str) -> None:
    assert rules.guesses(rules.train(CORPUS), text, text) == ()
    assert rules.guesses(rules.train([]), "停电", "停电") == ()


def test_cross_validation_judges_each_text_once_and_alike_every_time() -> None:
    one, other = rules.cross_validate(CORPUS), rules.cross_validate([*CORPUS[::-1], *CORPUS])
    assert one == other
    assert one.n == len(CORPUS)
    assert one.top_1 > 0.9
    assert one.top_1 <= one.top_3 <= 1

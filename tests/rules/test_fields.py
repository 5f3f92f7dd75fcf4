"""What real input looks like, and what becomes of it. Every number and name here is made up."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.fields import (
    Moment,
    check_digit,
    clean_text,
    mask_identity,
    mask_name,
    mask_phone,
    normalise_identity,
    normalise_phone,
    parse_moment,
    read_moment,
)

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\n\t\t路灯不亮\n", "路灯不亮"),
        ("路灯\u00a0不亮\u3000\u3000已三天", "路灯 不亮 已三天"),
        ("第一行_x000D_\n第二行", "第一行 第二行"),
        ("a_x0009_b", "a b"),
        ("a_x005F_x000D_b", "a_x005F_x000D_b"),
        ("x_x00e9_y", "x_x00e9_y"),
        ("a\x00b\x07c", "abc"),
        ("\ufeff标题\u200b", "标题"),
        ("谢谢👍🏽 一家👨‍👩‍👧", "谢谢👍🏽 一家👨‍👩‍👧"),
        ("全角，ＡＢＣ１２３", "全角，ＡＢＣ１２３"),
        ("\ud83d坏", "坏"),
        ("evil\u202etxt", "eviltxt"),
        ("", ""),
    ],
)
def test_text_is_cleaned_to_one_line(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


def test_a_long_text_keeps_its_paragraphs() -> None:
    assert clean_text("\n\u3000\u3000一\r\n\r\n\r\n\r\n二 \t\n三_x000D_\n", multiline=True) == "一\n\n二\n三"


def test_nine_thousand_characters_stay_nine_thousand() -> None:
    assert len(clean_text("长" * 9000, multiline=True)) == 9000


@given(st.text(), st.booleans())
def test_cleaning_twice_changes_nothing_and_postgresql_takes_it(text: str, multiline: bool) -> None:
    once = clean_text(text, multiline=multiline)
    assert clean_text(once, multiline=multiline) == once
    assert "\x00" not in once
    once.encode("utf-8")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("13900001111", "13900001111"),
        ("139 0000 1111", "13900001111"),
        ("139-0000-1111", "13900001111"),
        ("+86 139 0000 1111", "13900001111"),
        ("86-13900001111", "13900001111"),
        ("0086 13900001111", "13900001111"),
        ("013900001111", "13900001111"),
        ("１３９００００１１１１", "13900001111"),
        ("\t13900001111\u00a0", "13900001111"),
        ("8223172", "0792-8223172"),
        ("822-3172", "0792-8223172"),
        ("822-3172-8011", "0792-8223172-8011"),
        ("+86 (0792) 8223172", "0792-8223172"),
        ("+867928223172", "0792-8223172"),
        ("0792-8223172", "0792-8223172"),
        ("07928223172", "0792-8223172"),
        ("（0792）8223172", "0792-8223172"),
        ("0792—8223172", "0792-8223172"),
        ("+86-792-8223172", "0792-8223172"),
        ("0792-8223172-801", "0792-8223172-801"),
        ("0792-8223172转801", "0792-8223172-801"),
        ("8223172-801", "0792-8223172-801"),
        ("010-66001234", "010-66001234"),
        ("01066001234", "010-66001234"),
        ("021 62001234", "021-62001234"),
        ("12345", "12345"),
        ("110", "110"),
        ("95598", "95598"),
        ("400-800-1234", "4008001234"),
    ],
)
def test_a_phone_number_is_written_one_way(written: str, normal: str) -> None:
    assert normalise_phone(written) == normal
    assert normalise_phone(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "无",
        "1390000111",
        "139000011112",
        "12900001111",
        "138****3687",
        "13900001111/13900002222",
        "8223172、8211858",
        "1",
        "0000000",
        "792-82231",
        "792-8223172",
        "8223172/801",
        "8223172.0",
        "0792-",
        "abc",
    ],
)
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise_phone(text, field="appellant_phone")
    assert (caught.value.code, caught.value.field) == ("phone.invalid", "appellant_phone")
    assert not caught.value.data  # the number itself stays out of messages and logs


def test_another_city_has_another_area_code() -> None:
    assert normalise_phone("86001234", area_code="0791") == "0791-86001234"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("13900001111", "139****1111"),
        ("139****1111", "139****1111"),
        ("0792-8223172", "0792-*****72"),
        ("0792-8223172-801", "0792-*********01"),
        ("8223172", "*****72"),
        ("12345", "***45"),
        ("110", "***"),
        ("无", "*"),
        ("", ""),
    ],
)
def test_masking_a_phone(value: str, masked: str) -> None:
    assert mask_phone(value) == masked


@given(st.text(max_size=40))
def test_no_mask_shows_more_than_seven_characters_or_half(text: str) -> None:
    shown = [char for char in mask_phone(text) if char not in "*-"]
    assert len(shown) <= 7
    assert len(mask_name(text).replace("*", "")) <= 1


VALID_17 = "11010519491231002"  # the example of GB 11643 itself, without its check character


@pytest.mark.parametrize(
    "text", [VALID_17 + "X", VALID_17 + "x", f" {VALID_17}X ", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_an_identity_number_is_checked_and_normalised(text: str) -> None:
    assert normalise_identity(text) == VALID_17 + "X"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "identity.invalid"),
        (VALID_17, "identity.invalid"),
        ("99" + VALID_17[2:] + "X", "identity.invalid"),
        ("X" + VALID_17[1:] + "X", "identity.invalid"),
        ("110105491231002", "identity.invalid"),
        ("11010519491331002X", "identity.birth-date"),
        ("11010518491231002X", "identity.birth-date"),
        (VALID_17 + "1", "identity.check-digit"),
        ("11010519491231003X", "identity.check-digit"),
    ],
)
def test_a_wrong_identity_number_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise_identity(text)
    assert caught.value.code == code


@given(st.from_regex(r"\A[0-9]{17}\Z"), st.integers(0, 16), st.integers(1, 9))
def test_a_changed_digit_changes_the_check_character(digits: str, place: int, by: int) -> None:
    changed = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert check_digit(digits) != check_digit(changed)


@pytest.mark.parametrize(
    ("value", "masked"), [(VALID_17 + "X", "1" + "*" * 16 + "X"), ("1234567", "*******"), ("", "")]
)
def test_masking_an_identity_number(value: str, masked: str) -> None:
    assert mask_identity(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [("示例人甲", "示**"), ("示例", "示**"), (" 示 ", "示**"), ("Smith", "S**"), ("", "")],
)
def test_masking_a_name(value: str, masked: str) -> None:
    assert mask_name(value) == masked


@pytest.mark.parametrize(
    ("value", "local", "has_time"),
    [
        ("2019/4/25 9:32:09", "2019-04-25 09:32:09", True),
        ("2019-04-25 09:32:09", "2019-04-25 09:32:09", True),
        ("2019-04-25T09:32:09", "2019-04-25 09:32:09", True),
        ("2019-04-25 09:32:09.5", "2019-04-25 09:32:09.5", True),
        ("\n\t2019/4/25\u00a09:32 ", "2019-04-25 09:32:00", True),
        ("2019/4/25", "2019-04-25 00:00:00", False),
        ("2019.4.25", "2019-04-25 00:00:00", False),
        ("2019年4月25日", "2019-04-25 00:00:00", False),
        ("2019年4月25日9时32分", "2019-04-25 09:32:00", True),
        ("2019年4月25日 9时", "2019-04-25 09:00:00", True),
        ("2019年04月25日 09:32:09", "2019-04-25 09:32:09", True),
        ("2019/4/25 下午3:05", "2019-04-25 15:05:00", True),
        ("2019年4月25日下午12点5分", "2019-04-25 12:05:00", True),
        ("2019/4/25 上午12:05", "2019-04-25 00:05:00", True),
        ("2019/4/25 24:00", "2019-04-26 00:00:00", True),
        ("２０１９／４／２５ ９：３２", "2019-04-25 09:32:00", True),
        (datetime(2019, 4, 25, 9, 32, 9), "2019-04-25 09:32:09", True),
        (date(2019, 4, 25), "2019-04-25 00:00:00", False),
        (43580, "2019-04-25 00:00:00", False),
        (43580.0, "2019-04-25 00:00:00", False),
        (43580.39732638889, "2019-04-25 09:32:09", True),
    ],
)
def test_moments_of_all_kinds_are_read_as_local_time(value: object, local: str, has_time: bool) -> None:
    found = read_moment(value, ZONE)
    assert found.at == datetime.fromisoformat(local).replace(tzinfo=ZONE)
    assert found.at.tzinfo is UTC
    assert found.has_time is has_time


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2019-04-25T09:32:09Z", datetime(2019, 4, 25, 9, 32, 9, tzinfo=UTC)),
        ("2019-04-25T09:32:09+08:00", datetime(2019, 4, 25, 1, 32, 9, tzinfo=UTC)),
        (
            datetime(2019, 4, 25, 9, 32, 9, tzinfo=timezone(timedelta(hours=9))),
            datetime(2019, 4, 25, 0, 32, 9, tzinfo=UTC),
        ),
    ],
)
def test_a_moment_that_names_its_zone_keeps_it(value: object, expected: datetime) -> None:
    assert parse_moment(value, ZONE) == expected


def test_a_workbook_may_count_from_1904() -> None:
    assert read_moment(43580 - 1462, ZONE, is_1904=True).at == parse_moment("2019/4/25", ZONE)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "昨天",
        "2019",
        "4/25/2019",
        "25/4/2019",
        "19/4/25",
        "2019/4-25",
        "2019/2/29",
        "2019/13/1",
        "2019/4/25 25:00",
        "2019/4/25 24:01",
        "2019/4/25 9:60",
        "2019/4/25 下午13:00",
        "2019/4/259:32",
        "20190425",
        "1019/4/25",
        20190425,
        2019,
        5,
        -1,
        float("nan"),
        float("inf"),
        True,
        None,
        b"2019/4/25",
    ],
)
def test_what_is_not_surely_a_moment_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_moment(value, ZONE, field="received_at")
    assert (caught.value.code, caught.value.field) == ("moment.invalid", "received_at")


@given(st.datetimes(datetime(1992, 1, 1), datetime(2199, 12, 30)).map(lambda d: d.replace(microsecond=0)))
def test_text_and_serial_of_one_moment_agree(local: datetime) -> None:
    text = f"{local.year}/{local.month}/{local.day} {local.hour}:{local.minute}:{local.second:02d}"
    serial = (local - datetime(1899, 12, 30)) / timedelta(days=1)
    expected = local.replace(tzinfo=ZONE)
    assert parse_moment(text, ZONE) == parse_moment(serial, ZONE) == expected


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none()))
def test_reading_anything_ends_in_a_moment_or_a_refusal(value: object) -> None:
    found: Moment | None = None
    with suppress(Invalid):
        found = read_moment(value, ZONE)
    assert found is None or found.at.tzinfo is UTC

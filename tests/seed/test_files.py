"""The seed files against the founding document and against themselves; no database."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.models import CLOCK_KINDS
from seed.reading import FOLDER, SeedError, read_seed, seed_fingerprint
from seed.sample import CASES
from seed.sheets import SHEETS

SEED = read_seed()

# The annex, row by row; "on duty" is 当值人员, who fills both roles.
ON_DUTY = "on duty"
ANNEX = [
    ("A类信息收集人", "市政府总值班室", "唐贵平", ON_DUTY, ON_DUTY),
    ("B类信息收集人", "市长热线中心", "唐贵平", ON_DUTY, ON_DUTY),
    ("C类信息收集人", "市府办信息中心", "龚飞", "龚飞", "江龙"),
    ("D类信息收集人", "市政府办公厅机关党委", "曹正垠", "曹正垠", "钟林君"),
    ("E类信息收集人", "市府办秘书处", "徐永平", "谢丹", "陈峰"),
    ("F类信息收集人", "市政府总值班室", "唐贵平", ON_DUTY, ON_DUTY),
    ("信息编号登记员", "市政府总值班室", "唐贵平", "吴泳君", "倪宁"),
    ("总值班室带班主任", "市政府总值班室", "唐贵平", "唐贵平", "阙洪"),
    ("送呈领导批示联络人", "市政府总值班室", "唐贵平", "赵红奎", "杨改云"),
    ("信息台帐管理员", "市政府总值班室", "唐贵平", "吴泳君", "阙洪"),
    ("诉求处理督办人", "市政府总值班室", "唐贵平", "阙洪", "吴泳君"),
    ("工作简报、通报编辑", "市政府总值班室", "唐贵平", "唐贵平", "阙洪"),
]
# Phones stand in one file only, so they are compared by their last digits and, all together, by a digest.
LAST_DIGITS = {
    "唐贵平": "3687",
    "阙洪": "9813",
    "吴泳君": "6333",
    "倪宁": "7799",
    "赵红奎": "8618",
    "杨改云": "9981",
    "龚飞": "8967",
    "江龙": "8660",
    "曹正垠": "8829",
    "钟林君": "8117",
    "徐永平": "7318",
    "谢丹": "9899",
    "陈峰": "6615",
}
PHONES_SHA256 = "9a322ce7bad9ff910372983e88ecab1aa6789495fde2bedd3045e26f5c57eb50"
CHANNELS = {
    ("A", "8223172"),
    ("A", "8211858"),
    ("B", "7112345"),
    ("B", "13767270001"),
    ("B", "13767270001@139.com"),
    ("B", "zqh@jiujiang.gov.cn"),
    ("C", "网络信息"),
    ("C", "电视"),
    ("C", "广播"),
    ("D", "江西日报"),
    ("D", "江南都市报"),
    ("D", "信息日报"),
    ("D", "九江日报"),
    ("D", "浔阳晚报"),
    ("D", "其他报刊"),
    ("E", "实体信件"),
    ("E", "市信访局转市政府处理件"),
    ("F", "来访接待"),
}
COUNTIES = {
    "九江县",
    "武宁县",
    "修水县",
    "永修县",
    "德安县",
    "星子县",
    "都昌县",
    "湖口县",
    "彭泽县",
    "瑞昌市",
    "浔阳区",
    "庐山区",
}


def rows(file: str) -> dict[str, dict[str, Any]]:
    return {entry.key: dict(entry.values) for entry in SEED[file]}


def named(file: str, key: str | None) -> str:
    return str(rows(file)[key]["name"]) if key else ""


def test_the_twelve_posts_stand_as_in_the_annex() -> None:
    holders = {key: named("people.csv", row["person"]) for key, row in rows("holdings.csv").items()}
    found = []
    for key, post in sorted(rows("posts.csv").items(), key=lambda item: item[1]["number"]):
        a, b = ((holders.get(f"{key}|{role}", "")) for role in "AB")
        if post["filled_by_duty"]:
            assert (a, b) == ("", "")
            a = b = ON_DUTY
        found.append(
            (post["name"], named("units.csv", post["office"]), named("people.csv", post["leader"]), a, b)
        )
    assert found == ANNEX
    assert [post["number"] for post in rows("posts.csv").values()] == list(range(1, 13))


def test_nobody_holds_a_post_but_the_people_of_the_annex() -> None:
    people = rows("people.csv")
    assert {person["name"] for person in people.values()} == set(LAST_DIGITS)
    assert len(rows("holdings.csv")) == 18
    used = {row["person"] for row in rows("holdings.csv").values()} | {
        post["leader"] for post in rows("posts.csv").values()
    }
    assert used == set(people)


def test_every_person_has_the_phone_of_the_annex() -> None:
    people = rows("people.csv").values()
    assert {person["name"]: person["mobile"][-4:] for person in people} == LAST_DIGITS
    listed = "\n".join(
        f"{person['name']} {person['mobile']}" for person in sorted(people, key=lambda p: p["name"])
    )
    assert hashlib.sha256(listed.encode()).hexdigest() == PHONES_SHA256


def test_phones_of_people_stand_in_one_file_only() -> None:
    phones = [person["mobile"] for person in rows("people.csv").values()]
    for path in FOLDER.iterdir():
        if path.suffix in (".csv", ".yaml", ".py") and path.name != "people.csv":
            content = path.read_text(encoding="utf-8")
            assert not [phone for phone in phones if phone in content], path.name


def test_each_post_has_the_capability_of_its_duty() -> None:
    posts = rows("posts.csv")
    for letter in "ABCDEF":
        collector = posts[f"collector_{letter.lower()}"]
        assert (collector["channel_class"], collector["scope"]) == (letter, "own_class")
        assert collector["capabilities"] == ["collect"]
    duties = {
        "registrar": "number",
        "duty_director": "triage",
        "liaison": "carry",
        "ledger_admin": "record",
        "supervisor": "supervise",
        "editor": "report",
    }
    for key, capability in duties.items():
        assert capability in posts[key]["capabilities"]
    # Collecting, numbering, triage, carrying, recording and editing each belong to one post of a class.
    given = Counter(capability for post in posts.values() for capability in post["capabilities"])
    assert given["number"] == given["triage"] == given["carry"] == given["record"] == given["report"] == 1


def test_every_channel_has_its_class_and_its_address() -> None:
    channels = rows("channels.csv").values()
    found = {(channel["channel_class"], channel["address"] or channel["name"]) for channel in channels}
    assert found == CHANNELS
    assert len(SEED["channels.csv"]) == len(CHANNELS)


def test_each_channel_belongs_to_the_office_that_collects_its_class() -> None:
    office = {post["channel_class"]: post["office"] for post in rows("posts.csv").values()}
    for channel in rows("channels.csv").values():
        assert channel["office"] == office[channel["channel_class"]]


def test_the_units_are_complete() -> None:
    units = rows("units.csv").values()
    counted = Counter(unit["kind"] for unit in units)
    assert counted["local_government"] == 12
    assert counted["administration"] == 4
    assert 28 <= counted["department"] <= 40
    assert counted["stationed"] >= 8
    assert {unit["short_name"] for unit in units if unit["kind"] == "local_government"} == COUNTIES
    administrations = {unit["name"] for unit in units if unit["kind"] == "administration"}
    assert administrations == {
        "庐山管理局",
        "九江经济开发区管委会",
        "共青城开发区管委会",
        "云居山-柘林湖风景名胜区管委会",
    }


def test_units_stand_in_the_group_of_their_kind() -> None:
    group_of = {
        "local_government": "local",
        "administration": "local",
        "department": "department",
        "stationed": "department",
        "section": "section",
    }
    for unit in rows("units.csv").values():
        assert unit["group"] == group_of[unit["kind"]]
        # R8, R7: what a department answers goes up the portfolio, what a local government answers does not.
        assert bool(unit["portfolio"]) == (
            unit["kind"] in ("department", "stationed") or unit["code"][:9] == "matching_"
        )
    assert list(rows("unit_groups.csv")) == ["local", "department", "section"]


def test_every_portfolio_line_has_a_matching_section_and_no_invented_leader() -> None:
    lines = rows("portfolio.csv")
    sections = [line["section"] for line in lines.values()]
    assert len(set(sections)) == len(sections)
    for key, line in lines.items():
        assert rows("units.csv")[line["section"]]["portfolio"] == key
        assert (line["vice_mayor"], line["deputy"]) == (None, None)
    assert not SEED["chain.csv"]


@pytest.mark.parametrize(
    ("code", "kind", "amount", "parameters"),
    [
        ("collection_abf", "wall_hours", 1, {"classes": ["A", "B", "F"]}),
        ("collection_cde", "cutoff", 0, {"at": "11:00", "classes": ["C", "D", "E"]}),
        ("delivery", "same_day_end", 0, {}),
        ("fetch_back", "working_days", 2, {}),
        ("sign_in", "working_days", 1, {}),
        ("carry", "same_day_end", 0, {}),
        ("emergency", "wall_hours", 2, {"urgencies": ["emergency"]}),
        ("utilities", "wall_hours", 24, {"categories": ["水电气热"]}),
        ("ordinary", "working_days", 7, {}),
        ("complex", "working_days", 15, {}),
        ("co_limit", "working_days", 5, {}),
        ("decision", "working_days", 1, {}),
        ("review", "working_days", 2, {}),
    ],
)
def test_the_limits_are_those_of_the_rule(
    code: str, kind: str, amount: int, parameters: dict[str, Any]
) -> None:
    limit = rows("limits.csv")[code]
    assert (limit["kind"], limit["amount"], limit["parameters"]) == (kind, amount, parameters)


def test_every_clock_has_a_limit_and_a_ladder() -> None:
    kinds = {limit["clock_kind"] for limit in rows("limits.csv").values()}
    assert kinds == set(CLOCK_KINDS)
    usual = [limit["clock_kind"] for limit in rows("limits.csv").values() if limit["is_default"]]
    assert sorted(usual) == sorted(kinds - {"collection"})
    for kind in kinds:
        ladder = [rule for rule in rows("reminder_rules.csv").values() if rule["clock_kind"] == kind]
        offsets = [rule["offset_minutes"] for rule in ladder]
        assert offsets == sorted(offsets)
        assert offsets[0] < 0 < offsets[-1]


def test_every_reading_is_explained_in_both_languages_and_points_to_a_row_that_exists() -> None:
    tables = {sheet.model.__tablename__: sheet.file for sheet in SHEETS}
    readings = rows("assumptions.yaml")
    assert {"nil_return_classes", "same_day", "fetch_back", "duty_seats", "coordinating_b"} <= set(readings)
    for reading in readings.values():
        assert re.fullmatch(r"R([1-9]|1[0-8])", reading["rule"])
        value = reading["value"]
        if isinstance(value, dict) and "see" in value:
            file = tables[value["see"]]
            assert "code" not in value or value["code"] in rows(file)


def test_no_chinese_is_left_in_english_and_no_english_in_chinese() -> None:
    chinese = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
    for file, entries in SEED.items():
        for entry in entries:
            for column, value in entry.values.items():
                if column.endswith("_en"):
                    assert value, (file, entry.row, column)
                    assert not chinese.search(value), (file, entry.row, column)
                elif column in ("name", "title", "duty", "explanation", "short_name"):
                    assert chinese.search(value), (file, entry.row, column)


# --- a broken file names file, row and field ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "seed"
    copy.mkdir()
    for sheet in SHEETS:
        shutil.copy(FOLDER / sheet.file, copy)
    return copy


@pytest.mark.parametrize(
    ("file", "old", "new", "row", "field"),
    [
        ("posts.csv", "collector_d,4,", "collector_d,four,", 5, "number"),
        ("posts.csv", "collector_d,4,", "collector_d,3,", 5, "number"),
        ("posts.csv", "party_committee,party_committee_1,no", "nowhere,party_committee_1,no", 5, "office"),
        ("posts.csv", "party_committee,party_committee_1,no", "education,party_committee_1,no", 5, "office"),
        ("posts.csv", "party_committee_1,no,D", "party_committee_1,no,", 5, "channel_class"),
        ("posts.csv", "no,,triage|", "no,,system|", 9, "capabilities"),
        ("posts.csv", "registrar,7", "Registrar 7,7", 8, "code"),
        ("posts.csv", "code,number", "code,nummer", 1, "nummer"),
        ("posts.csv", ",no,,report,all", ",no,,report", 13, "capabilities"),
        ("people.csv", "龚飞", "龚 飞", 8, "name"),
        ("people.csv", "龚飞", "", 8, "name"),
        ("people.csv", "13970248967", "1397024896", 8, "mobile"),
        ("people.csv", "info_center_2,", "info_center_1,", 9, "code"),
        ("holdings.csv", "editor,duty_office_2,B", "collector_a,duty_office_2,B", 19, "post"),
        ("holdings.csv", "editor,duty_office_2,B", "editor,duty_office_2,C", 19, "role"),
        ("holdings.csv", "editor,duty_office_2,B", "editor,duty_office_9,B", 19, "person"),
        ("units.csv", "市教育局,市教育局", "市教育局, 市教育局", 52, "short_name"),
        (
            "units.csv",
            "department,social,usual practice\nscience",
            "bureau,social,usual practice\nscience",
            52,
            "group",
        ),
        ("channels.csv", "8223172", "8" * 201, 2, "address"),
        ("limits.csv", "cutoff,0,11:00", "cutoff,0,11h", 3, "at"),
        ("limits.csv", "cutoff,0,11:00", "cutoff,0,", 3, "at"),
        ("limits.csv", "wall_hours,2,", "wall_hours,0,", 8, "amount"),
        ("limits.csv", "working_days,15,,,,,,,no", "working_days,15,,,,,,,yes", 11, "is_default"),
        ("limits.csv", ",水电气热,no", ",水电,no", 9, "categories"),
        ("reminder_rules.csv", "collection,30,other", "collection,30,direct", 4, "rung"),
        ("categories.csv", "市容环卫", "城市建设", 3, "name"),
        ("number_formats.csv", "-{seq:06d}", "", 2, "template"),
        ("assumptions.yaml", "  rule: R2\n", "", 1, "rule"),
        ("assumptions.yaml", "title: 报刊名单未封闭", "title: 2010", 1, "title"),
    ],
)
def test_it_names_file_row_and_field(
    folder: Path, file: str, old: str, new: str, row: int, field: str
) -> None:
    path = folder / file
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SeedError) as refusal:
        read_seed(folder)
    assert str(refusal.value).startswith(f"seed/{file}, row {row}, field {field}: ")


def test_it_refuses_a_file_that_is_not_utf8(folder: Path) -> None:
    path = folder / "people.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    with pytest.raises(SeedError, match=r"seed/people\.csv, row 2, field -: is not UTF-8 text"):
        read_seed(folder)


def test_it_refuses_a_missing_file(folder: Path) -> None:
    (folder / "limits.csv").unlink()
    with pytest.raises(SeedError, match=r"seed/limits\.csv"):
        read_seed(folder)


def test_it_refuses_yaml_that_is_none(folder: Path) -> None:
    (folder / "assumptions.yaml").write_text("- code: [\n", encoding="utf-8")
    with pytest.raises(SeedError, match=r"seed/assumptions\.yaml, row 2, field -: is not YAML"):
        read_seed(folder)


def test_a_wrong_phone_is_not_repeated_in_the_message(folder: Path) -> None:
    path = folder / "people.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("13970248967", "23970248967"), encoding="utf-8")
    with pytest.raises(SeedError) as refusal:
        read_seed(folder)
    assert "0248967" not in str(refusal.value)


def test_a_file_saved_by_a_spreadsheet_is_read_alike(folder: Path) -> None:
    for name in ("people.csv", "posts.csv"):
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_seed(folder) == SEED


def test_the_fingerprint_follows_the_files(folder: Path) -> None:
    assert seed_fingerprint(folder) == seed_fingerprint()
    path = folder / "limits.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("working_days,7", "working_days,8"), encoding="utf-8"
    )
    assert seed_fingerprint(folder) != seed_fingerprint()


def test_yaml_and_csv_files_are_all_known() -> None:
    found = {path.name for path in FOLDER.iterdir() if path.suffix in (".csv", ".yaml")}
    assert found == {sheet.file for sheet in SHEETS} | {CASES.name}
    assert yaml.safe_load((FOLDER / "assumptions.yaml").read_text(encoding="utf-8"))

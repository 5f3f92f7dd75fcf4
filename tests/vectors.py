"""Password vectors: every path that sets a password must refuse the bad ones and take the good ones."""

from __future__ import annotations

LOGIN = "shili.zhang"
NAME = "示例张三"

GOOD = (
    "Lantern.River.42",
    "correct horse Battery 9",
    "Gu1-Wei-Yun-Hai",
    "tiEn#8kPq.vM",
    "Zwölf Boxkämpfer 3",
    "山高月小Wd7水落石出归",
    "mango{Tram}Nine",
    "x9!Ferry-Cargo",
    "Harbour_Lamp_07",
    "V" + "e7-" * 42 + "x",  # 128 characters
)

BAD = (
    ("", "too-short"),
    ("Ab1!", "too-short"),
    ("Kf7#mQ2vLp.", "too-short"),
    ("示例密码", "too-short"),
    ("V" + "e7-" * 43, "too-long"),
    ("Kf7#mQ2vLp" * 13, "too-long"),
    ("Kf7#mQ2v\x00Lp9", "control-character"),
    ("Kf7#mQ2v\nLp9x", "control-character"),
    ("Kf7#mQ2v\tLp9x", "control-character"),
    ("Kf7#mQ2v\x7fLp9x", "control-character"),
    ("lanternriverboat", "too-plain"),
    ("LANTERNRIVERBOAT", "too-plain"),
    ("lanternriver42", "too-plain"),
    ("LANTERN.RIVER.BOAT", "too-plain"),
    ("Lanternriverboat", "too-plain"),
    ("729461850372", "too-plain"),
    ("山高月小水落石出清风徐来", "too-plain"),
    ("lantern river boat", "too-plain"),
    ("Shili.Zhang-42x", "contains-name"),
    ("x9-ZHANG-Ferry", "contains-name"),
    ("9Ferry-gnahz.X", "contains-name"),
    ("Wd7示例张三-Cargo", "contains-name"),
    ("shili_Ferry_42X", "contains-name"),
    ("Password-Ferry-7", "common"),
    ("P@ssw0rd-Ferry-7", "common"),
    ("My.Qwerty.Boat7", "common"),
    ("Minsheng-Boat-7", "common"),
    ("JiuJiang_Boat_7", "common"),
    ("Wo-Ai-Ni-Boat-7", "common"),
    ("Boat8223172Tram", "common"),
    ("Boat.Admin123.X", "common"),
    ("Boat-Zh0ngguo-7", "common"),
    ("民声直通车Boat-7x", "common"),
    ("Le.t.m.ein-Boat7", "common"),
    ("Booooat-Tram-7x", "repeated"),
    ("Boat-1111-Tram", "repeated"),
    ("Boat....Tram-7", "repeated"),
    ("Boat-12345-Tram", "sequence"),
    ("Boat-98765-Tram", "sequence"),
    ("Tram-hgfed-Boat7", "sequence"),
    ("Boat-sdfgh-Tram7", "sequence"),
)

"""The error type: codes, data, families."""

import pickle

import pytest

from app.rules.errors import Conflict, FieldErrors, FieldProblem, Gone, Invalid, NotFound, Refused, RuleError


@pytest.mark.parametrize("family", [Invalid, Refused, NotFound, Conflict, Gone])
def test_each_family_is_a_rule_error_with_code_data_and_field(family: type[RuleError]) -> None:
    error = family("appeal.stale", {"version": 3}, field="title")
    assert isinstance(error, RuleError)
    assert (error.code, dict(error.data), error.field) == ("appeal.stale", {"version": 3}, "title")


@pytest.mark.parametrize("code", ["", "Appeal", "appeal stale", "appeal.", ".stale", "appeal_stale", "诉求"])
def test_a_sentence_is_not_a_code(code: str) -> None:
    with pytest.raises(ValueError, match="not an error code"):
        RuleError(code)


def test_data_cannot_be_changed_afterwards() -> None:
    error = Refused("officer.combined", {"person": 1})
    with pytest.raises(TypeError):
        error.data["person"] = 2  # type: ignore[index]


def test_field_errors_keep_every_problem_at_its_field() -> None:
    error = FieldErrors(
        [
            FieldProblem("phone", "phone.invalid"),
            FieldProblem("name", "field.required"),
            FieldProblem("phone", "field.too-long", {"limit": 20}),
        ]
    )
    assert isinstance(error, Invalid)
    assert error.code == "form.invalid"
    assert [p.code for p in error.by_field()["phone"]] == ["phone.invalid", "field.too-long"]


def test_field_errors_without_a_problem_make_no_sense() -> None:
    with pytest.raises(ValueError, match="without a problem"):
        FieldErrors([])


@pytest.mark.parametrize(
    "error",
    [Conflict("appeal.stale", {"id": 1}, field="x"), FieldErrors([FieldProblem("a", "field.required")])],
)
def test_an_error_survives_being_pickled(error: RuleError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert repr(again) == repr(error)

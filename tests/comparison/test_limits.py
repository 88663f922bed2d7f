"""Limits as they are written: every accepted form, and what can never be held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.comparison.limits import Limit, check_limits, read_limit, read_limits
from imgcompare.comparison.measures import OPTIONS
from imgcompare.errors import UsageError


@pytest.mark.parametrize(
    ("option", "text", "measure", "value", "variant"),
    [
        ("max-size", "120MB", "uncompressed_size", 120_000_000, None),
        ("max-size", "slim=120MB", "uncompressed_size", 120_000_000, "slim"),
        ("max-size", "1.5 GB", "uncompressed_size", 1_500_000_000, None),
        ("max-size", "90MiB", "uncompressed_size", 94_371_840, None),
        ("max-size", "500kb", "uncompressed_size", 500_000, None),
        ("max-size", "1", "uncompressed_size", 1, None),
        ("max-compressed-size", "30MB", "compressed_size", 30_000_000, None),
        ("max-own-size", "a.b_c-1=30MB", "own_size", 30_000_000, "a.b_c-1"),
        ("max-layers", "12", "layer_count", 12, None),
        ("min-saving", "50%", "saving_ratio", 0.5, None),
        ("min-saving", "0 %", "saving_ratio", 0, None),
        ("max-wasted", "0", "wasted_bytes", 0, None),
        ("max-wasted", "slim=2.5%", "wasted_ratio", 0.025, "slim"),
        ("max-ready", "2", "ready_after_s", 2, None),
        ("max-ready", "1.5s", "ready_after_s", 1.5, None),
        ("max-ready", "500ms", "ready_after_s", 0.5, None),
        ("max-growth", "2%", "growth_ratio", 0.02, None),
        ("max-growth", "0%", "growth_ratio", 0, None),
        ("max-growth", "slim=5MB", "growth_bytes", 5_000_000, "slim"),
        ("max-growth", "150%", "growth_ratio", 1.5, None),
        ("must-work", "", "works", 1, None),
        ("must-work", "slim", "works", 1, "slim"),
    ],
)
def test_every_form_of_a_limit_is_read(option: str, text: str, measure: str, value: float, variant: str | None) -> None:
    """Each documented form means one thing."""
    assert read_limit(option, text) == Limit(option=option, measure=measure, value=value, variant=variant, text=text)


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        *(
            (option, text, None)
            for option in OPTIONS
            if option != "must-work"
            for text in ("", "-1", "nan", "inf", "x")
        ),
        *((option, "1e3", None) for option in OPTIONS if option != "must-work"),
        *((option, "slim=", None) for option in OPTIONS if option != "must-work"),
        ("max-size", "0", "--max-size '0': no image is that small"),
        ("max-size", "0MB", "--max-size '0MB': no image is that small"),
        ("max-size", "slim=12 apples", "--max-size '12 apples' is no number of bytes"),
        ("max-size", "50%", "--max-size '50%' is no number of bytes"),
        ("max-size", "=5MB", "--max-size '=5MB' has no variant before the '='"),
        ("max-size", "5iB", "--max-size '5iB' is no number of bytes"),
        ("max-size", "９MB", "--max-size '９MB' is no number of bytes"),
        ("max-layers", "0", "--max-layers '0' is no number of layers"),
        ("max-layers", "2.5", "--max-layers '2.5' is no number of layers"),
        ("max-layers", "٣", "--max-layers '٣' is no number of layers"),
        ("min-saving", "50", "--min-saving '50' is no percentage"),
        ("min-saving", "50MB", "--min-saving '50MB' is no percentage"),
        ("min-saving", "100%", "--min-saving '100%': no image saves all of another"),
        ("max-wasted", "-5%", "--max-wasted '-5%' is no percentage"),
        ("max-wasted", "many", "--max-wasted 'many' is neither a number of bytes nor a percentage"),
        ("max-ready", "0s", "--max-ready '0s': nothing answers at once"),
        ("max-ready", "2 min", "--max-ready '2 min' is no duration"),
        ("max-growth", "2%|5MB", "--max-growth '2%|5MB' is neither a number of bytes nor a percentage"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_accepted_forms(option: str, text: str, message: str | None) -> None:
    """Nothing that cannot be read, is not positive or has no unit where one is needed becomes a limit."""
    with pytest.raises(UsageError) as caught:
        read_limit(option, text)
    assert caught.value.message.startswith(message or f"--{option} ")
    assert caught.value.hint is not None
    assert f"--{option} " in caught.value.hint


@given(st.sampled_from([option for option in OPTIONS if option != "must-work"]), st.text(max_size=30))
def test_any_text_is_a_positive_limit_or_a_usage_error(option: str, text: str) -> None:
    """Whatever is written, no limit is negative, infinite or not a number."""
    try:
        limit = read_limit(option, text)
    except UsageError:
        return
    assert 0 <= limit.value < 10**40


def test_a_limit_given_twice_is_refused() -> None:
    """Which of two would hold is a guess; in bytes and in percent they are two limits, and both hold."""
    with pytest.raises(UsageError, match="--max-size is given twice for slim"):
        read_limits({"max-size": ("1GB", "slim=1MB", "slim=2MB")})
    limits = read_limits({"max-growth": ("2%", "5MB")})
    assert [limit.measure for limit in limits] == ["growth_ratio", "growth_bytes"]


@pytest.mark.parametrize(
    ("given_", "message", "hint"),
    [
        ({"max-size": ["slmi=1MB"]}, "--max-size slmi: there is no such variant; did you mean 'slim'?", "big, slim"),
        ({"must-work": ["Dockerfile"]}, "--must-work Dockerfile: there is no such variant", "big, slim"),
        ({"min-saving": ["big=5%"]}, "--min-saving big: this is the baseline, which savings are", "another variant"),
        ({"max-growth": ["5%"]}, "--max-growth needs something that growth is measured from", "--against"),
    ],
)
def test_limits_that_can_never_be_held_are_refused(given_: dict[str, list[str]], message: str, hint: str) -> None:
    """A limit on a variant that is not there is an error, not a pass."""
    with pytest.raises(UsageError) as caught:
        check_limits(read_limits(given_), ["big", "slim"], "big", against=False)
    assert caught.value.message.startswith(message)
    assert hint in str(caught.value.hint)

"""What is read of a variant before it is built."""

from __future__ import annotations

from imgcompare.run.blueprints import shown_lines


def test_lines_for_the_report_tell_no_secret_of_the_old_form() -> None:
    """`ENV NAME value` has no sign that redaction could see; indentation stays, and a file too long is left out."""
    text = "ENV DB_PASSWORD hunter2\nENV PORT 5000\nRUN a \\\n  b\n"
    assert shown_lines(text) == ("ENV DB_PASSWORD •••", "ENV PORT 5000", "RUN a \\", "  b")
    assert shown_lines("RUN a\n" * 1000) == ()

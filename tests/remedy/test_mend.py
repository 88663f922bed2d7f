"""When a Dockerfile is mended once more, and when it is given up: nothing is tried twice, and it ends."""

from __future__ import annotations

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import replace
from imgcompare.model import Edit, EditAction, Failure, Stage
from imgcompare.remedy.mend import MOST_ROUNDS, Tried
from imgcompare.text.redact import MASK


def failure(message: str, *edits: Edit) -> Failure:
    """A failure with a fix."""
    return Failure(stage=Stage.RUN, code="unknown", message=message, edits=edits)


def command(document: Document, text: str) -> Edit:
    """Another command."""
    return replace(document, document.instructions[-1], text)


START = Document("FROM a\nCMD x\n")


def test_a_fix_is_applied_to_a_copy() -> None:
    """What comes out is another document; the one that was tried stays."""
    changed = Tried().next(START, failure("it broke", command(START, "CMD y")))
    assert isinstance(changed, Document)
    assert (str(changed), str(START)) == ("FROM a\nCMD y\n", "FROM a\nCMD x\n")


def test_what_has_no_certain_fix_is_left() -> None:
    """No edits, and none that a secret was masked in."""
    assert Tried().next(START, failure("it broke")) == "No certain fix is known for it."
    masked = failure("it broke", command(START, f"CMD {MASK}"))
    assert Tried().next(START, masked) == "No certain fix is known for it."


def test_a_fix_that_did_not_help_is_not_tried_again() -> None:
    """The same cause once more is the end, whatever its fix is now."""
    tried = Tried()
    changed = tried.next(START, failure("it broke", command(START, "CMD y")))
    assert isinstance(changed, Document)
    again = tried.next(changed, failure("it broke", command(changed, "CMD z")))
    assert again == "Its fix is in the Dockerfile, and did not help."


def test_no_circle() -> None:
    """Another cause whose fix gives a text that was tried is the end."""
    tried = Tried()
    changed = tried.next(START, failure("too few", command(START, "CMD y")))
    assert isinstance(changed, Document)
    back = tried.next(changed, failure("too many", command(changed, "CMD x")))
    assert back == "Its fix leads back to a Dockerfile that was tried."


def test_it_ends() -> None:
    """However many causes there are."""
    tried, document, rounds = Tried(), START, 0
    while True:
        changed = tried.next(document, failure(f"cause {rounds}", command(document, f"CMD {rounds}")))
        if isinstance(changed, str):
            break
        document, rounds = changed, rounds + 1
    assert (rounds, changed) == (MOST_ROUNDS, f"{MOST_ROUNDS} causes were mended, and here is another one.")


def test_an_edit_that_does_not_fit_is_told() -> None:
    """With what stands there instead."""
    edit = Edit(action=EditAction.DELETE, stage="0", line=7, instruction="CMD")
    assert Tried().next(START, failure("it broke", edit)) == (
        "Its fix does not fit the Dockerfile: there is no CMD in line 7 of stage 0: no instruction begins in that line."
    )

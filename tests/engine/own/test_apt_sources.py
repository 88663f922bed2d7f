"""The machine's package sources."""

from __future__ import annotations

from pathlib import Path

from imgcompare.engine.own.apt_sources import (
    as_deb822,
    keyrings,
    of_distribution,
    of_release,
    parse_deb822,
    parse_one_line,
    read_machine,
)

_DEB822 = """\
# a comment
Types: deb deb-src
URIs: https://mirror.invalid/debian
Suites: bookworm bookworm-updates trixie
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: https://off.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://other.invalid/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_deb822_sources_are_read_and_written_again() -> None:
    """Comments and disabled stanzas go, a key given in the file keeps its lines."""
    first, third = parse_deb822(_DEB822)
    assert first["uris"] == "https://mirror.invalid/debian"
    assert "off.invalid" not in as_deb822([first, third])
    assert as_deb822([third]) == (
        "Types: deb\nUris: https://other.invalid/apt\nSuites: bookworm\nComponents: main\nSigned-By: \n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )


def test_one_line_sources_become_the_same_fields() -> None:
    """Options in brackets are kept under deb822's names; source packages and comments are not sources for us."""
    text = """
deb [arch=amd64,arm64 signed-by=/etc/apt/keyrings/corp.gpg] https://mirror.invalid/debian bookworm main contrib # x
deb-src https://mirror.invalid/debian bookworm main
# deb https://old.invalid/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""
    first, *_ = parse_one_line(text)
    assert first == {
        "uris": "https://mirror.invalid/debian",
        "suites": "bookworm",
        "components": "main contrib",
        "architectures": "amd64 arm64",
        "signed-by": "/etc/apt/keyrings/corp.gpg",
    }
    assert keyrings([first, first]) == [Path("/etc/apt/keyrings/corp.gpg")]


def test_only_the_distribution_s_own_release_is_taken() -> None:
    """Another party's source of the same suite, and other releases in one stanza, stay out."""
    (source,) = of_distribution(parse_deb822(_DEB822), "debian", "bookworm")
    assert source["suites"] == "bookworm bookworm-updates"
    assert source["uris"] == "https://mirror.invalid/debian"


def test_a_mirror_that_signs_with_its_own_key_is_taken_where_there_is_no_other() -> None:
    """Companies re-sign their mirrors; without such a source there would be none."""
    corporate = parse_one_line("deb [signed-by=/etc/apt/keyrings/corp.gpg] https://mirror.invalid/debian bookworm main")
    assert of_distribution(corporate, "debian", "bookworm") == corporate


def test_a_machine_of_another_release_has_no_source() -> None:
    """Nothing of another release is ever mixed in."""
    assert of_distribution(parse_one_line("deb https://mirror.invalid/debian trixie main"), "debian", "bookworm") == []


def test_both_styles_are_read_from_their_folder(tmp_path: Path) -> None:
    """sources.list and the files beside it count; what apt ignores by its suffix does not."""
    (tmp_path / "sources.list").write_text("deb https://a.invalid/debian bookworm main\n")
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "b.sources").write_text("Types: deb\nURIs: https://b.invalid/\nSuites: bookworm\nComponents: main\n")
    (folder / "c.list.disabled").write_text("deb https://c.invalid/debian bookworm main\n")
    assert [source["uris"] for source in read_machine(tmp_path)] == ["https://a.invalid/debian", "https://b.invalid/"]


def test_another_release_has_the_same_sources() -> None:
    """Its suites, security's as it is named since Debian 11; everything else stays."""
    sources = [
        {"uris": "u", "suites": "buster buster-updates", "signed-by": "k"},
        {"uris": "s", "suites": "buster/updates"},
    ]
    assert of_release(sources, "buster", "trixie") == [
        {"uris": "u", "suites": "trixie trixie-updates", "signed-by": "k"},
        {"uris": "s", "suites": "trixie-security"},
    ]

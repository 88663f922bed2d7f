"""Debian packages that are wanted for themselves, told from build tools and what came with them."""

from __future__ import annotations

from imgcompare.analysis.debian_needs import Installed

STATUS = b"""\
Package: libc6
Status: install ok installed
Section: libs

Package: gcc
Status: install ok installed
Section: devel
Depends: cpp (>= 12), libcc1-0, libc6
Recommends: libc6-dev | libc-dev

Package: cpp
Status: install ok installed
Section: interpreters

Package: libcc1-0
Status: install ok installed
Section: libs

Package: libpq-dev
Status: install ok installed
Section: libdevel
Depends: libpq5 (= 15)

Package: libpq5
Status: install ok installed
Section: libs
Depends: libc6

Package: ghostscript
Status: install ok installed
Section: text
Depends: libgs10
Recommends: fonts-urw-base35, mail-transport-agent

Package: libgs10
Status: install ok installed
Section: libs

Package: fonts-urw-base35
Status: install ok installed
Section: fonts

Package: exim
Status: install ok installed
Section: mail
Provides: mail-transport-agent

Package: gone
Status: deinstall ok config-files
Section: text
"""
INSTALLED = Installed({"var/lib/dpkg/status": STATUS})


def test_what_is_installed() -> None:
    """A package of which only settings are left is not there."""
    assert "gone" not in INSTALLED.names
    assert "libpq5" in INSTALLED.names


def test_needs_go_through_alternatives_and_what_others_provide() -> None:
    """Recommended packages come along unless that is not wanted."""
    assert INSTALLED.with_needs(["ghostscript"]) == {"ghostscript", "libgs10", "fonts-urw-base35", "exim"}
    assert INSTALLED.with_needs(["ghostscript"], recommends=False) == {"ghostscript", "libgs10"}


def test_what_stands_on_a_base_and_is_not_for_building() -> None:
    """Fonts that are only recommended must stay; what only a compiler or a -dev package brought need not."""
    assert INSTALLED.wanted(["libc6"]) == {"ghostscript", "libgs10", "fonts-urw-base35", "exim"}


def test_what_was_named_is_wanted_though_a_tool_needs_it_too() -> None:
    """``apt-get install gcc cpp`` names one that gcc would have brought, ``libpq5`` one of its -dev package."""
    assert "libpq5" in INSTALLED.wanted(["libc6"], ["libpq5"])
    assert "gcc" not in INSTALLED.wanted(["libc6"], ["gcc"])

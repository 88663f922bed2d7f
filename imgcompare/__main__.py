"""``python -m imgcompare`` and the ``imgcompare`` script."""

from imgcompare.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()

"""What belongs together is removed together, and nothing else, whatever an engine lists."""

from __future__ import annotations

from typing import Any, cast

from imgcompare.engine.client.api import Api
from imgcompare.engine.client.groups import remove_group
from imgcompare.engine.interface import GROUP_LABEL, RUN_LABEL

OURS = {GROUP_LABEL: "shop", RUN_LABEL: "1"}
# Podman lists what has any of the labels that are asked for: those of the run's other groups, too.
OTHERS = [{**OURS, GROUP_LABEL: "other"}, {**OURS, RUN_LABEL: "2"}, None]


class FakeApi:
    """An engine that lists everything, whatever is asked for, and does what it is told."""

    def __init__(self) -> None:
        self.there: dict[str, list[dict[str, Any]]] = {}
        for kind in ("containers", "networks", "volumes"):
            named = enumerate((OURS, *OTHERS))
            self.there[kind] = [{"Id": f"{number}", "Name": f"{number}", "Labels": labels} for number, labels in named]

    def call(self, method: str, path: str, **_options: object) -> Any:
        """List, or delete."""
        kind, _, name = path.strip("/").partition("/")
        if method == "GET":
            return {"Volumes": self.there[kind]} if kind == "volumes" else self.there[kind]
        self.there[kind] = [each for each in self.there[kind] if each["Name"] != name]
        return None


def test_only_what_has_every_label_is_removed() -> None:
    """A container, a network and a volume of that group and that run; those of other variants stay."""
    api = FakeApi()
    assert remove_group(cast("Api", api), "shop", "1") == 1
    assert [[each["Name"] for each in found] for found in api.there.values()] == [["1", "2", "3"]] * 3

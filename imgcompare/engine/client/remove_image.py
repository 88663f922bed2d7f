"""Images by tag or digest, removed for certain, also while other clients build and remove the very same image.

The engine (moby, with its classic image store) removes a last tag, looks whether there is another, and then removes the
image, without a lock over all three. A client that tags the image just then keeps a name that leads nowhere: it is not
listed, it cannot be removed, and it comes back to life as soon as somebody builds the same image again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from docker.utils import parse_repository_tag

from imgcompare.engine.interface import Removal
from imgcompare.errors import EngineRefusedError

if TYPE_CHECKING:
    from imgcompare.engine.client.api import Api

NO_TAG = "<none>:<none>"
"""What a listing says of an image without a tag."""

_GONE_MEANWHILE = "unrecognized image ID"  # two clients removed the same image: the tags of both are gone


def quoted(reference: str) -> str:
    """Return a reference as it stands in a path of the API."""
    return quote(reference, safe="/:@")


def remove_image(api: Api, reference: str, *, keeps_lost_names: bool) -> Removal:
    """Remove a tag, and the image when it was its last, or an image by its digest.

    ``keeps_lost_names`` says that this engine may still hold a tag that it calls unknown. Raises EngineError.
    """
    try:
        _delete(api, reference)
    except EngineRefusedError as exc:
        if exc.status == 409:
            return Removal.IN_USE
        if exc.status == 404:
            if keeps_lost_names and not reference.startswith("sha256:"):
                _free(api, reference)
            return Removal.NOT_THERE
        if _GONE_MEANWHILE not in exc.text:
            raise
    return Removal.REMOVED


def _free(api: Api, tag: str) -> None:
    """Free a name that may lead nowhere: given to an image that has another one, it can be taken away again."""
    rows = api.call("GET", "/images/json", cleanup=True)
    image = next((row["Id"] for row in rows if set(row.get("RepoTags") or ()) - {NO_TAG}), None)
    if image is None:
        return
    repository, version = parse_repository_tag(tag)
    params = {"repo": repository, "tag": version or "latest"}
    api.call("POST", f"/images/{quoted(image)}/tag", params=params, cleanup=True)
    _delete(api, tag)


def _delete(api: Api, reference: str) -> None:
    api.call("DELETE", f"/images/{quoted(reference)}", cleanup=True)

"""What only an admin key may ask for. Knows no transport."""

from __future__ import annotations

import asyncio

from service.door import Door
from service.errors import BrokenModel
from service.folder_watch import FolderWatch


class Admin:
    """Admin calls of a worker."""

    def __init__(self, door: Door, watch: FolderWatch) -> None:
        self._door = door
        self._watch = watch

    async def reload(self) -> None:
        """Look at the folder of models now, and serve what is in it.

        Raises: Forbidden, BrokenModel where a version or label of it can't be served; all others are.
        """
        self._door.require_admin()
        look = asyncio.create_task(self._watch.look(final=True))
        if troubles := await asyncio.shield(look):  # who gives up waiting does not leave it half done
            raise BrokenModel("; ".join(troubles))

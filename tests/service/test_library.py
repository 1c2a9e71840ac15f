"""Which versions are loaded, when they end, and what makes room: over engines that do nothing, in one process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service import folder_watch
from service.budget import Budget
from service.contract import Contract
from service.engines import Engines
from service.errors import BrokenModel, NotFound, NotReady
from service.folder_watch import FolderWatch
from service.library import Library
from service.model_folder import examine, read_versions
from tests.service.tiny_model import contract, describe

WEIGHTS = 100_000  # bytes of each version, and a little more for its contract
ROOM = {"fits_1": 1.5 * WEIGHTS, "fits_2": 2.5 * WEIGHTS}


class Engine:
    """Stands for a loaded version."""

    def __init__(self, contract: Contract) -> None:
        self.contract, self.name = contract, contract.name


class Shelf:
    """A library over a folder, and what it told its watcher."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        self.counts: dict[tuple[str, int], int] = {}
        self.refusals: list[str] = []
        self.failed: set[tuple[str, int]] = set()
        self.broken: set[int] = set()
        most = int(options.pop("most", 0))
        engines = Engines(self._load, ThreadPoolExecutor(1), self, budget=Budget(most))
        self.library = Library(read_versions(root), engines, **options)
        self.watch = FolderWatch(self.library, root)

    def _load(self, _folder: Path, found: Contract) -> Any:
        if found.version in self.broken:
            raise BrokenModel("it is broken")
        return Engine(found)

    def loaded(self, model: str, version: int, change: int) -> None:
        """Count the engines of a version."""
        self.counts[model, version] = self.counts.get((model, version), 0) + change

    def refused(self, model: str, version: int) -> None:
        """Note a refusal."""
        self.refusals.append(model)
        self.failed.add((model, version))

    def forgotten(self, model: str, version: int) -> None:
        """Note that a version which was refused is gone, or tried again."""
        self.failed.remove((model, version))

    def there(self) -> list[tuple[str, int]]:
        """Return the versions whose engines live."""
        return sorted(key for key, count in self.counts.items() if count)

    async def version(self, *which: Any) -> int:
        """Return the version that a request gets, and let it go."""
        return (await self.library.get(*which)).contract.version


def write(root: Path, version: int, name: str = "tiny") -> Path:
    """Write a version of which all files but the graph are there."""
    folder = root / name / str(version)
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(WEIGHTS))
    describe(folder, contract(name, version))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with versions 1 and 2 of tiny."""
    for version in (1, 2):
        write(tmp_path, version)
    return tmp_path


def played(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def a_moment() -> None:
    """Let the ends of engines be told."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_an_unloaded_version_ends_with_its_last_request(root: Path) -> None:
    async def scenario() -> None:
        shelf = Shelf(root)
        await shelf.watch.look()
        request = await shelf.library.get("tiny")
        write(root, 3)
        await shelf.watch.look()
        await a_moment()
        assert await shelf.version() == 3
        assert shelf.there() == [("tiny", 2), ("tiny", 3)]
        assert request.contract.version == 2
        del request
        await a_moment()
        assert shelf.there() == [("tiny", 3)]
        assert await shelf.version("tiny", 2) == 2  # who asks for it by number still gets it

    played(scenario)


@pytest.mark.parametrize(
    ("policy", "ahead", "after"),
    [
        ("newest", [("tiny", 2)], [("tiny", 3)]),
        ("all", [("tiny", 1), ("tiny", 2)], [("tiny", 1), ("tiny", 2), ("tiny", 3)]),
        ("lazy", [], []),
    ],
)
def test_the_policy_says_what_is_loaded_ahead(root: Path, policy: str, ahead: Any, after: Any) -> None:
    async def scenario() -> None:
        shelf = Shelf(root, policy=policy)
        await shelf.watch.look()
        assert shelf.there() == ahead
        assert shelf.library.can_serve()
        write(root, 3)
        await shelf.watch.look()
        await a_moment()
        assert shelf.there() == after
        assert await shelf.version("tiny", 1) == 1
        assert await shelf.version() == 3

    played(scenario)


def test_a_labelled_version_stays_loaded_as_long_as_it_is_labelled(root: Path) -> None:
    async def scenario() -> None:
        shelf = Shelf(root)
        (root / "labels.json").write_text('{"tiny": {"stable": 1}}')
        await shelf.watch.look()
        assert shelf.there() == [("tiny", 1), ("tiny", 2)]
        assert await shelf.version("tiny", 0, "stable") == 1
        shutil.rmtree(root / "tiny" / "1")
        await shelf.watch.look()
        with pytest.raises(NotFound, match="no version label 'stable'; it has none"):
            await shelf.version("tiny", 0, "stable")
        write(root, 1)
        await shelf.watch.look()
        assert await shelf.version("tiny", 0, "stable") == 1
        (root / "labels.json").unlink()
        await shelf.watch.look()
        await a_moment()
        assert shelf.there() == [("tiny", 2)]

    played(scenario)


def test_what_does_not_fit_is_refused_with_what_takes_the_room(root: Path) -> None:
    async def scenario() -> None:
        shelf = Shelf(root, most=ROOM["fits_1"])
        await shelf.watch.look()
        with pytest.raises(NotReady, match=r"version 1 can't be served: it takes 0.1 MB .* taken, by model 'tiny' ver"):
            await shelf.version("tiny", 1)
        write(root, 3)
        (reason,) = [text for text in await shelf.watch.look() if "version 3" in text]
        assert "LATENTONE_MEMORY_BUDGET_MB=0.15" in reason
        assert await shelf.version() == 2
        shutil.rmtree(root / "tiny" / "2")  # the only way to make room for the others
        await shelf.watch.look()
        await a_moment()
        assert await shelf.watch.look(again=True) == []
        assert await shelf.version() == 3

    played(scenario)


def test_idle_versions_make_room_the_one_unasked_for_longest_first(root: Path) -> None:
    async def scenario() -> None:
        for version in (3, 4):
            write(root, version)
        shelf = Shelf(root, most=3.5 * WEIGHTS)
        await shelf.watch.look()
        for version in (1, 2, 1):
            assert await shelf.version("tiny", version) == version
        assert await shelf.version("tiny", 3) == 3
        assert shelf.there() == [("tiny", 1), ("tiny", 3), ("tiny", 4)]
        assert await shelf.version() == 4  # the newest stays

    played(scenario)


def test_a_version_in_use_does_not_make_room(root: Path) -> None:
    async def scenario() -> None:
        write(root, 3)
        shelf = Shelf(root, most=ROOM["fits_2"], idle_s=30)
        await shelf.watch.look()
        await shelf.version("tiny", 1)
        with pytest.raises(NotReady, match="taken, by model 'tiny' version 3, model 'tiny' version 1"):
            await shelf.version("tiny", 2)
        assert shelf.there() == [("tiny", 1), ("tiny", 3)]

    played(scenario)


def test_who_names_no_version_never_meets_the_newest_that_fails(root: Path) -> None:
    async def scenario() -> None:
        shelf = Shelf(root, policy="lazy")
        shelf.broken = {2}
        assert await shelf.version() == 1
        assert shelf.refusals == ["tiny"]
        with pytest.raises(NotReady, match="it is broken"):
            await shelf.version("tiny", 2)

    played(scenario)


def test_an_unfinished_version_is_refused_when_it_has_been_still_and_taken_when_it_is_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        shelf = Shelf(root)
        folder = write(root, 3)
        (folder / "weights").rename(root / "weights")
        assert await shelf.watch.look() == []
        (folder / "weights").write_bytes(b"half")
        monkeypatch.setattr(folder_watch, "STILL_S", 0.0)
        assert await shelf.watch.look() == ["model 'tiny' version 3: weights differs from its digest in the contract"]
        assert shelf.refusals == ["tiny"]
        await shelf.watch.look()
        assert shelf.refusals == ["tiny"]
        assert shelf.failed == {("tiny", 3)}
        assert await shelf.version() == 2
        (root / "weights").rename(folder / "weights")
        assert await shelf.watch.look() == []
        assert await shelf.version() == 3
        assert shelf.failed == set()

    played(scenario)


def test_what_is_loaded_stays_as_it_was_though_its_files_change(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        shelf = Shelf(root)
        await shelf.watch.look()
        before = await shelf.library.get()
        (root / "tiny" / "2" / "weights").write_bytes(b"other")
        for _ in range(2):
            assert await shelf.watch.look() == []
        assert await shelf.library.get() is before
        assert caplog.text.count("give what is new a version of its own") == 1

    played(scenario)


def test_of_a_version_that_a_fleet_computes_the_contract_is_enough(root: Path) -> None:
    async def scenario() -> None:
        shelf = Shelf(root)
        watch = FolderWatch(shelf.library, root, partial(examine, contract_alone=True))
        (write(root, 3) / "weights").unlink()
        assert await watch.look() == []
        assert await shelf.version() == 3

    played(scenario)

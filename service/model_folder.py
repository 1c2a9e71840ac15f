"""The folder of models: which versions lie in it, whether they have changed, and whether they may be served."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from service.contract import read_contract, verify_files
from service.entry import Entry, Stamp
from service.errors import BrokenModel
from service.signing import Trusted


def find_versions(root: Path) -> list[Entry]:
    """Find the version folders, and read nothing of them; what is not laid out as name/<integer> is no model.

    Raises: OSError.
    """
    return [
        Entry(folder.parent.name, int(folder.name), folder, stamp=_stamp(folder))
        for folder in sorted(root.glob("[!.]*/*"))
        if folder.name.isascii() and folder.name.isdigit() and str(int(folder.name)) == folder.name and folder.is_dir()
    ]


def _stamp(folder: Path) -> Stamp:
    return tuple(sorted(_files(folder)))


def _files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it went while we looked
            if path.is_file():
                facts = path.stat()
                yield str(path.relative_to(folder)), facts.st_mtime_ns, facts.st_size, facts.st_ino


def read_versions(root: Path, trusted: Trusted = (), *, without: Collection[str] = ()) -> list[Entry]:
    """Find the version folders and read their contracts; where that can't be used, the version has failed.

    trusted: the keys of which one must have signed, where there are any. without: names that are not the folder's.
    """
    entries = [entry for entry in find_versions(root) if entry.name not in without]
    for entry in entries:
        try:
            entry.contract = read_contract(entry.folder, trusted)
        except BrokenModel as error:
            entry.fail(error.detail)
    return entries


def examine(entry: Entry, trusted: Trusted = (), *, contract_alone: bool = False) -> None:
    """Read the contract of a version, and hold all of its files to it; slow for large ones.

    contract_alone: others load the files, which need not be there.
    Raises: BrokenModel, also while the files are still being written.
    """
    contract = read_contract(entry.folder, trusted)
    if not contract_alone:
        verify_files(contract, entry.folder)
    entry.contract = contract

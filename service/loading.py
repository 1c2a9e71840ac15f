"""How versions of models become engines: loaded from disk, or called in a fleet."""

from __future__ import annotations

from pathlib import Path

from service import griffin_lim
from service.contract import Contract, verify_files
from service.engine import Engine, SavedModel
from service.engines import Loader
from service.fleet import Fleet
from service.fleet_engine import FleetEngine
from service.settings import Settings


def from_disk(settings: Settings) -> Loader:
    """Return what loads a version into this process, its files held to their digests."""
    threads, op_threads = settings.threads, settings.op_threads

    def load(folder: Path, contract: Contract) -> Engine:
        if contract is griffin_lim.CONTRACT:
            return griffin_lim.GriffinLim(threads=threads, op_threads=op_threads)
        verify_files(contract, folder)
        return SavedModel(folder, contract, threads=threads, op_threads=op_threads)

    return load


def from_fleet(settings: Settings, fleet: Fleet) -> Loader:
    """Return what has a fleet compute a version; griffin-lim, which no fleet knows, is loaded into this process."""
    local = from_disk(settings)

    def load(folder: Path, contract: Contract) -> Engine:
        return local(folder, contract) if contract is griffin_lim.CONTRACT else FleetEngine(fleet, contract)

    return load

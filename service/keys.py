"""API keys: random, kept as hashes in a file or the environment, compared in constant time.

A key has 256 random bits, so that its plain SHA-256 can't be searched; passwords would need a slow hash.
A line for each key: a name, the hash, and what else the key may have.

    alice sha256:5f2c... rate=5 burst=20
    carol sha256:91ab... admin
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from service.settings import PREFIX, Settings, SettingsError

logger = logging.getLogger("bentoml.latentone")

FILE, VARIABLE = f"{PREFIX}API_KEYS_FILE", f"{PREFIX}API_KEYS"
LOOK_S = 1.0  # how often the file is looked at
NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
HASH = re.compile(r"sha256:([0-9a-f]{64})")
FORM = "write NAME sha256:HASH [rate=PER_SECOND] [burst=REQUESTS] [admin], as `python -m service key NAME` prints it"


@dataclass(frozen=True)
class Key:
    """Whom a key stands for. rate: requests a second, 0 for any number; burst: requests at once."""

    name: str
    digest: bytes
    rate: float = 0.0
    burst: int = 1
    admin: bool = False


class KeyRing:
    """The keys of the environment and of a file, which is read again when it changes."""

    def __init__(self, settings: Settings) -> None:
        """Raises: SettingsError where there is no key to be had."""
        self._settings = settings
        self._stamp = _stamp(settings.api_keys_file)
        self._keys = read_keys(settings)
        self._looked = time.monotonic()

    def find(self, text: str) -> Key | None:
        """Return whose key it is. Takes as long for every text."""
        digest, found = hashlib.sha256(text.encode()).digest(), None
        for key in self.current():
            if hmac.compare_digest(digest, key.digest):
                found = key
        return found

    def current(self) -> tuple[Key, ...]:
        """Return the keys as they are now. A file that can't be used any more leaves those there were."""
        if time.monotonic() - self._looked >= LOOK_S:
            self._looked = time.monotonic()
            stamp = _stamp(self._settings.api_keys_file)
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = read_keys(self._settings)
        except SettingsError as error:
            logger.error("the API keys stay as they were: %s", error)
        else:
            logger.info("API keys: %s", ", ".join(key.name for key in self._keys))


def wanted(settings: Settings) -> bool:
    """Return whether requests need a key."""
    return bool(settings.api_keys or settings.api_keys_file)


def read_keys(settings: Settings) -> tuple[Key, ...]:
    """Return the keys of the environment and of the file.

    Raises: SettingsError, which names the line at fault and never quotes it: it may hold a key by mistake.
    """
    keys = list(_parse(VARIABLE, settings.api_keys.split(","), settings.key_rate))
    path = settings.api_keys_file
    if path:
        source = f"{FILE}={path}"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise SettingsError(f"{source}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{source}: is not text") from None
        found = list(_parse(source, lines, settings.key_rate))
        if not found:
            raise SettingsError(f"{source}: holds no key; make one with `python -m service key NAME >> {path}`")
        keys += found
    if wanted(settings) and not keys:
        raise SettingsError(f"{VARIABLE}: holds no key; make one with `python -m service key NAME`")
    for what in ("name", "digest"):
        if len({getattr(key, what) for key in keys}) < len(keys):
            raise SettingsError(f"{VARIABLE} and {FILE}: two keys have the same {what.replace('digest', 'hash')}")
    return tuple(keys)


def _parse(source: str, lines: Iterable[str], rate: float) -> Iterable[Key]:
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if words:
            try:
                yield _key(words, rate)
            except (ValueError, IndexError, OverflowError):
                raise SettingsError(f"{source}, entry {number}: {FORM}") from None


def _key(words: list[str], rate: float) -> Key:
    """Return the key of a line. Raises: ValueError, IndexError, OverflowError."""
    name, digest = NAME.fullmatch(words[0]), HASH.fullmatch(words[1])
    options = dict(word.partition("=")[::2] for word in words[2:])
    if not name or not digest or options.keys() - {"rate", "burst", "admin"} or options.get("admin"):
        raise ValueError
    rate = float(options.get("rate", rate))
    burst = int(options.get("burst", max(1, math.ceil(rate))))
    if not (0 <= rate < math.inf and burst >= 1):
        raise ValueError
    return Key(words[0], bytes.fromhex(digest[1]), rate, burst, admin="admin" in options)


def _stamp(path: Path | None) -> tuple[int, ...]:
    """Return what changes when a file does."""
    try:
        facts = path.stat() if path else None
    except OSError:
        return ()
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino) if facts else ()


def make_key() -> str:
    """Return a new key."""
    return f"lt_{secrets.token_urlsafe(32)}"


def line_of(name: str, key: str, *, rate: float | None = None, burst: int | None = None, admin: bool = False) -> str:
    """Return the line for a key.

    Raises: SettingsError for a name or numbers that no line can hold.
    """
    words = [name, f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"]
    words += [f"rate={rate:g}"] if rate is not None else []
    words += [f"burst={burst}"] if burst is not None else []
    words += ["admin"] if admin else []
    try:
        _key(words, 0.0)
    except (ValueError, OverflowError):
        raise SettingsError(
            "NAME is letters, digits and . _ @ -, at most 64; rate at least 0 and burst at least 1"
        ) from None
    return " ".join(words)

"""TLS of gRPC: the certificate, its key and, for mutual TLS, by whom clients' certificates must be signed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from service.settings import PREFIX, Settings, SettingsError

CERTIFICATE, KEY, CLIENT_CA = (f"{PREFIX}GRPC_{name}" for name in ("CERTIFICATE", "CERTIFICATE_KEY", "CLIENT_CA"))


@dataclass(frozen=True)
class Tls:
    """What is in the files, PEM. client_ca: None where clients need no certificate."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


def read_tls(settings: Settings) -> Tls | None:
    """Return what gRPC needs; None for plain text.

    Raises: SettingsError, which names the file that can't be read or isn't what it should be.
    """
    certificate, key, client_ca = settings.grpc_certificate, settings.grpc_certificate_key, settings.grpc_client_ca
    if certificate is None or key is None:
        return None
    tls = Tls(_read(CERTIFICATE, certificate), _read(KEY, key), _read(CLIENT_CA, client_ca) if client_ca else None)
    _check_certificates(CERTIFICATE, certificate)
    if client_ca:
        _check_certificates(CLIENT_CA, client_ca)
    try:
        # A password would be asked for at the terminal; there is none.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError:
        raise SettingsError(
            f"{KEY}={key}: is not the key of {certificate} (PEM, without a password; {CERTIFICATE})"
        ) from None
    return tls


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}={path}: {error.strerror}") from None


def _check_certificates(name: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise SettingsError(f"{name}={path}: holds no certificate (PEM)") from None

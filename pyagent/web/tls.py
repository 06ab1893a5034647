"""A certificate of one's own for the local network: encryption without anybody who signs, told by its fingerprint."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyagent.errors import ConfigError

# Browsers refuse certificates that are good for longer (CA/Browser forum, 398 days; Apple, 825 for own ones).
DAYS, RENEW = 397, 14


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files, and the SHA-256 fingerprint as browsers show it."""

    chain: Path
    key: Path
    fingerprint: str


def certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """The certificate for these names and addresses, made when there is none that holds them all."""
    try:
        from cryptography import x509
    except ImportError as error:
        raise ConfigError(
            f"TLS needs the package cryptography ({error})", "install it with: pip install 'pyagent-swarm[web]'"
        ) from None
    chain, key = folder / "cert.pem", folder / "key.pem"
    if chain.is_file() and key.is_file():
        found = x509.load_pem_x509_certificate(chain.read_bytes())
        rest = found.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        if rest.days > RENEW and set(names) <= _names(found):
            return Certificate(chain, key, _fingerprint(found))
    return Certificate(chain, key, _make(chain, key, names))


def lan_address() -> str | None:
    """This machine's address in its network; nothing is sent to find it."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # TEST-NET-1 (RFC 5737): connecting a datagram socket only looks at the routes.
        probe.connect(("192.0.2.1", 9))
        address: str = probe.getsockname()[0]
        return address
    except OSError:
        return None
    finally:
        probe.close()


def _make(chain: Path, key: Path, names: Sequence[str]) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PyAgent on this machine")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, pem)
    _write(chain, made.public_bytes(serialization.Encoding.PEM))
    return _fingerprint(made)


def _alternative(name: str):  # type: ignore[no-untyped-def]
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate) -> set[str]:  # type: ignore[no-untyped-def]
    from cryptography import x509

    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in held}


def _fingerprint(certificate) -> str:  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.serialization import Encoding

    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, 64, 2))


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)

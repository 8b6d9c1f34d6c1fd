"""What the front door is told by its environment: whether it speaks TLS, with which certificate, who stands before it.

In: TLS_CERTIFICATE and TLS_KEY, or TLS=self-signed to try it; TLS_PORT, HSTS, TRUSTED_PROXIES. Out: what nginx's
templates are filled in with, and a folder with the certificate. A setting that can't be carried out is a Refusal.
"""

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.engine import Refusal

if TYPE_CHECKING:
    from cryptography import x509

LOOPBACK = "127.0.0.1"
SELF_SIGNED = "self-signed"
CERTIFICATE, KEY = "certificate.pem", "key.pem"
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  where one is reached that listens on every address
_A_YEAR = "max-age=31536000"
_FORGET = "max-age=0"  # nobody's browser should insist on a certificate that was made to try it
_VALID = timedelta(days=365)


@dataclass(frozen=True)
class Front:
    """`tls`: "" (none), "self-signed" or "own" and then with which files. `proxies`: whose word counts."""

    tls: str = ""
    certificate: Path = Path()
    key: Path = Path()
    bind: str = LOOPBACK
    port: int = 8443
    hsts: str = ""
    proxies: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Front":
        """Raises Refusal for what can't be meant."""
        certificate, key = environment.get("TLS_CERTIFICATE", ""), environment.get("TLS_KEY", "")
        said = environment.get("TLS", "")
        if said not in ("", SELF_SIGNED):
            raise Refusal(f"TLS={said} is not known: it is {SELF_SIGNED}, or set TLS_CERTIFICATE and TLS_KEY.")
        if bool(certificate) != bool(key) or (said and certificate):
            raise Refusal("Set both TLS_CERTIFICATE and TLS_KEY to files, or TLS=self-signed alone.")
        tls = "own" if certificate else said
        return cls(
            tls,
            Path(certificate).absolute(),
            Path(key).absolute(),
            _unbracketed(environment.get("BIND") or LOOPBACK),
            _port(environment.get("TLS_PORT") or "8443"),
            environment.get("HSTS") or (_FORGET if tls == SELF_SIGNED else _A_YEAR),
            _networks(environment.get("TRUSTED_PROXIES", "")),
        )

    @property
    def plain(self) -> str:
        """Where what has no TLS listens: with TLS for this machine's own use alone."""
        return LOOPBACK if self.tls else self.bind

    @property
    def published(self) -> dict[str, str]:
        """For the compose files: where a container's ports are published, and how it listens itself.

        Where clients come by IPv6 it has IPv6 too: else they all come from one address, which Docker puts in.
        """
        by_six = ":" in self.bind
        inside = {"INSIDE": "::", "BOTH": "ipv6only=off", "IPV6": "true"} if by_six else {}
        return {"BIND": self.bind, "PLAIN_BIND": self.plain, **inside}

    @property
    def address(self) -> str:
        """For people; "" without TLS."""
        return url("https", self.bind, self.port) if self.tls else ""

    @property
    def variables(self) -> dict[str, str]:
        """For nginx's templates."""
        return {
            "HSTS": self.hsts,
            "REAL_IP_FROM": " ".join(f"set_real_ip_from {network};" for network in self.proxies),
            "BEHIND": " ".join(f"{network} 1;" for network in self.proxies),
        }


def reached(bind: str) -> str:
    """An address at which somebody who listens on `bind` is reached from this machine."""
    return _EVERYWHERE.get(bind, bind)


def bracketed(host: str) -> str:
    """As it stands before a port."""
    return f"[{host}]" if ":" in host else host


def url(scheme: str, bind: str, port: int | str) -> str:
    """For people on this machine, of who listens on `bind`."""
    host = reached(bind)
    return f"{scheme}://{'localhost' if host == LOOPBACK else bracketed(host)}:{port}"


def keep(front: Front, folder: Path, mode: int) -> str:
    """Puts certificate and key into `folder`, with `mode`; which certificate it is, "" without TLS. Raises Refusal.

    A self-signed one that is there, still good for a while, and for the address that is listened on, stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not front.tls:
        return ""
    if front.tls == SELF_SIGNED:
        certificate, key = _kept(folder, front.bind) or _self_signed(front.bind, datetime.now(UTC))
    else:
        certificate, key = _readable(front.certificate), _readable(front.key)
    for name, content in ((CERTIFICATE, certificate), (KEY, key)):
        _write(folder / name, content, mode)
    _check(folder)
    return identity(folder)


def identity(folder: Path) -> str:
    """Which certificate and key are in it; "" when there are none."""
    files = [folder / name for name in (CERTIFICATE, KEY)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() if files[0].exists() else ""


def _unbracketed(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise Refusal(f"TLS_PORT={text} can't be listened on: set it to a number from 1 to 65535.")
    return int(text)


def _networks(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(network.strip())) for network in text.split(",") if network.strip())
    except ValueError as error:
        raise Refusal(f"TRUSTED_PROXIES: {error}: write networks, with commas between, as in 10.0.0.0/8.") from None


def _readable(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} can't be read ({error.strerror}): correct TLS_CERTIFICATE or TLS_KEY.") from None


def _check(folder: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(folder / CERTIFICATE, folder / KEY)
    except (ssl.SSLError, OSError) as error:
        raise Refusal(f"The certificate and the key don't belong together, or are none ({error}).") from None


def _write(file: Path, content: bytes, mode: int) -> None:
    """Nobody else can read it at any moment."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(content)
    file.chmod(mode)


def _kept(folder: Path, bind: str) -> tuple[bytes, bytes] | None:
    from cryptography import x509  # noqa: PLC0415  a quarter of a second, and few stacks speak TLS

    certificate, key = folder / CERTIFICATE, folder / KEY
    if not (certificate.exists() and key.exists()):
        return None
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    fresh = found.issuer == found.subject and found.not_valid_after_utc > datetime.now(UTC) + _VALID / 4
    named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value if fresh else ()
    good = fresh and set(_names(bind)) <= set(named)
    return (certificate.read_bytes(), key.read_bytes()) if good else None


def _names(bind: str) -> "list[x509.GeneralName]":
    """This machine's own, and the one that is listened on."""
    from cryptography import x509  # noqa: PLC0415  see above

    names: dict[str, x509.GeneralName] = {}
    for host in ("localhost", LOOPBACK, "::1", reached(bind)):
        try:
            names[host] = x509.IPAddress(ip_address(host))
        except ValueError:
            names[host] = x509.DNSName(host)
    return list(names.values())


def _self_signed(bind: str, now: datetime) -> tuple[bytes, bytes]:
    """P-256, as every client takes it."""
    from cryptography import x509  # noqa: PLC0415  see above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(_names(bind)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)

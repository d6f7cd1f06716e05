"""Stand-in for Service Bus's administration API: ATOM over HTTPS, the semantics ours.

Microsoft's administration client speaks HTTPS alone, so it has a certificate of its own.
"""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_FEED = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'
_NO_ACTION = '<Action xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="EmptyRuleAction"/>'
_MATCH_ALL = (
    '<entry xmlns="http://www.w3.org/2005/Atom"><title>$Default</title><content type="application/xml">'
    '<RuleDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect" '
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Filter i:type="TrueFilter">'
    f"<SqlExpression>1=1</SqlExpression></Filter>{_NO_ACTION}<Name>$Default</Name></RuleDescription></content>"
    "</entry>"
)


class Administration(BaseHTTPRequestHandler):
    """Keeps the entries that clients put."""

    #: Path -> its entry.
    entries: dict[str, str]

    def do_GET(self) -> None:
        if self._path in self.entries:
            self._answer(200, self.entries[self._path])
            return
        inside = [entry for path, entry in self.entries.items() if _parent(path) == self._path]
        self._answer(200, _FEED.format("".join(inside)))  # an empty one for what does not exist

    def do_PUT(self) -> None:
        entry = self.rfile.read(int(self.headers["Content-Length"])).decode()
        exists = self._path in self.entries
        if exists != (self.headers.get("If-Match") == "*"):
            self._answer(409 if exists else 404, "")
            return
        title = f'<title xmlns="http://www.w3.org/2005/Atom">{self._path.rpartition("/")[2]}</title>'
        entry = entry.partition("?>")[2] or entry  # without the XML declaration
        at = entry.index(">") + 1
        self.entries[self._path] = entry[:at] + title + entry[at:]
        if "/subscriptions/" in self._path and "/rules/" not in self._path and not exists:
            self.entries[f"{self._path}/rules/$Default"] = _MATCH_ALL
        self._answer(200 if exists else 201, self.entries[self._path])

    def do_DELETE(self) -> None:
        del self.entries[self._path]
        self._answer(200, "")

    @property
    def _path(self) -> str:
        return unquote(urlsplit(self.path).path.strip("/"))

    def _answer(self, status: int, text: str) -> None:
        if not self.headers.get("Authorization", "").startswith("SharedAccessSignature sr="):
            status, text = 401, ""
        self.send_response(status)
        self.send_header("Content-Type", "application/atom+xml;type=entry;charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None: ...


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@contextmanager
def administration(home: Path) -> Iterator[tuple[str, dict[str, str], Path]]:
    """Yield the connection string, the entries, and the certificate to trust."""
    certificate = _certificate(home)
    entries: dict[str, str] = {}
    handler = type("Handler", (Administration,), {"entries": entries})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.server_address[1]
        yield (
            f"Endpoint=sb://127.0.0.1:{port}/;SharedAccessKeyName=root;SharedAccessKey=c2VjcmV0",
            entries,
            certificate,
        )
        server.shutdown()
        thread.join()


def _certificate(home: Path) -> Path:
    """Return the file of a self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = home / "certificate.pem"
    file.write_bytes(certificate.public_bytes(pem) + secret)
    return file

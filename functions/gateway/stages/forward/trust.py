"""Whom the gateway believes beyond its own network: the certificates of the system, or those that SSL_CERT_FILE names.

Out: a context that verifies certificate and name, for TLS 1.2 and later. There is no way to leave that out.
"""

import ssl
from functools import cache


@cache
def trust() -> ssl.SSLContext:
    """Made when the first connection needs it: reading the certificates takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context

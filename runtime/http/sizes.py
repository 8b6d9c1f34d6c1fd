"""How many bytes are taken, of everything on whose size two programs must agree.

In: nothing. Out: numbers. nginx says its own in nginx/snippets/limits.conf and forward.conf, and what it takes of a
body is made from the manifests (deploy/bodies.py); tests/unit/runtime/http/test_sizes.py reads them all and holds them
together.
"""

KIB = 1024
MIB = 1024 * KIB

# The head of a request, as a server here takes it. nginx takes half of it and adds a few fields.
REQUEST_HEAD = 128 * KIB

# The fields of an answer that leaves a gateway; the rest of nginx's buffer is for what its server adds. A longer head
# would be a failure of the gateway to nginx.
ANSWER_FIELDS = 31 * KIB

# The head of an answer as a gateway reads it, and anything else that brings no content (trailers, chunk extensions).
# Above what leaves, so that one which is merely too long is told from one without an end.
READ_HEAD = 64 * KIB

# A body that is held in memory: by nginx, so that it never writes one of an unknown route to a disk, and by a gateway,
# so that it can be sent again.
HELD_BODY = 64 * KIB

# The largest body that any route may take.
LARGEST_BODY = 64 * MIB

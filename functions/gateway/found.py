"""Which route a request has, or why it has none: for verbs, which are sooner done without the pipeline.

Pure. In: manifests, a method and a target. Out: the route as it is listed, or a sentence.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from urllib.parse import unquote

from functions.gateway import wire
from functions.gateway.listing import Listed, listed
from functions.gateway.table import Table
from runtime.manifest import Manifest


def find(manifests: Sequence[Manifest], method: str, target: str) -> Listed | str:
    """The route of a request, or why it has none. Raises ManifestError with whatever can't be served."""
    path = target.partition("?")[0]
    try:
        wire.length(path.encode(), [(b"host", b"localhost")])
    except wire.Refused as refused:
        return f"400 malformed-request: {refused.detail}"
    routes = {each.route.template: each for each in listed(manifests)}
    served = Table([each.route for each in routes.values()], lambda route: routes[route.template]).find(unquote(path))
    if found := served.get("GET" if method == "HEAD" else method):
        return found
    if served:
        return f"405 method-not-allowed: {path} has {', '.join(sorted(served))}."
    near = get_close_matches(f"{method} {path}", [*routes], n=1, cutoff=0.5)
    return f"404 no-such-route: {f'the nearest is {near[0]}.' if near else 'nothing is like it.'}"

from functions.gateway.stages.cache import status


def test_a_hit_says_for_how_long_it_is_fresh() -> None:
    assert status.hit(12.9) == (b"cache-status", b"portico; hit; ttl=12")
    assert status.hit(-0.5, b"redis") == (b"cache-status", b"portico; hit; ttl=-1; detail=redis")


def test_what_was_forwarded_says_why_and_what_became_of_it() -> None:
    assert status.forwarded(status.URI_MISS, 200, stored=True)[1] == b"portico; fwd=uri-miss; fwd-status=200; stored"
    assert status.forwarded(status.STALE, 304, collapsed=True)[1] == b"portico; fwd=stale; fwd-status=304; collapsed"
    assert status.forwarded(status.REQUEST, 404)[1] == b"portico; fwd=request; fwd-status=404"


def test_what_was_not_forwarded_says_why() -> None:
    assert status.refused()[1] == b"portico; detail=only-if-cached"

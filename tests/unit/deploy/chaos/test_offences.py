"""What is sent is what it says it is."""

from deploy.chaos.offences import OFFENCES, chunked, sized, status

LARGEST_LINE = 16 * 1024  # of a head, as nginx takes it


def test_each_has_a_name_of_its_own() -> None:
    assert len({offence.name for offence in OFFENCES}) == len(OFFENCES)


def test_nginx_takes_every_head() -> None:
    for offence in OFFENCES:
        lines = offence.sent.partition(b"\r\n\r\n")[0].split(b"\r\n")
        assert max(map(len, lines)) < LARGEST_LINE, offence.name
        assert b"Connection: close" in lines


def test_a_body_is_framed_to_its_end() -> None:
    assert sized(b"POST /a", b"abc").endswith(b"Content-Length: 3\r\n\r\nabc")
    assert chunked(b"POST /a", b"abc").endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def test_an_answer_has_a_status_or_none() -> None:
    assert status(b"HTTP/1.1 413 Content Too Large\r\n\r\n") == 413
    assert status(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n\r\n") == 401
    assert status(b"") == status(b"no HTTP") == 0

"""A real gateway that verbs talk to: what they may say, and what comes of it."""

import httpx
import pytest

from tests.contract.functions.gateway.changing import LIMITED, Changing, Talk
from tests.contract.functions.gateway.town import manifest, until


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "x"\n[app]\nmodule = "x"\n[defaults]\ndedline = "5s"\n', "dedline"),
        (
            'name = "x"\n[app]\nmodule = "x"\n[[route]]\nmatch = "GET /a"\ndeadline = "21s"\n',
            "above the gateway's ceiling",
        ),
        ('name = "x"\n[app]\nmodule = "x"\n[[route]]\nmatch = "GET /a"\n[[route]]\nmatch = "GET /a"\n', "x has GET /a"),
    ],
)
async def test_what_does_not_compile_is_told_and_changes_nothing(
    changing: Changing, visitor: httpx.AsyncClient, text: str, why: str
) -> None:
    revision = changing.write({"things": manifest(changing.name), "x": text})
    (talk,) = changing.talks()
    said = talk.say(f"prepare {revision}")
    assert why in str(said["why"])
    assert talk.say("take")["why"] == [] or talk.say("which")["revision"] != revision
    talk.close()
    assert (await visitor.get("/echo")).status_code == 200


async def test_what_only_a_new_gateway_can_take_in_is_named(changing: Changing) -> None:
    keyed = manifest(changing.name).replace("[defaults]", '[api_keys]\nprefix = "x_"\nswap = "/swap"\n[defaults]', 1)
    (talk,) = changing.talks()
    said = talk.say(f"prepare {changing.write({'things': keyed})}")
    assert said["rolls"] is True
    assert f"{changing.name}: api_keys" in str(said["why"])
    talk.close()


async def test_a_verb_that_dies_has_changed_nothing_and_is_in_nobodys_way(changing: Changing) -> None:
    one, revision = Talk(next(changing.sockets.iterdir())), changing.set(**{LIMITED: "limit = '7/1h'"})
    before = one.say("which")["revision"]
    other = Talk(next(changing.sockets.iterdir()))
    assert one.say(f"prepare {revision}")["why"] == []
    assert "another command" in str(other.say(f"prepare {revision}")["why"])
    one.close()

    async def free() -> bool:
        return other.say(f"prepare {revision}")["why"] == []

    await until(free)
    assert other.say("which")["revision"] == before
    other.close()


@pytest.mark.parametrize("word", ["prepare ../things", "prepare current", "prepare", "take", "", "x" * 70_000])
async def test_what_is_no_word_of_a_verb_does_nothing(
    changing: Changing, visitor: httpx.AsyncClient, word: str
) -> None:
    (talk,) = changing.talks()
    try:
        assert talk.say(word)["why"] != []
    except (ValueError, OSError):
        pass  # it hung up
    finally:
        talk.close()
    assert (await visitor.get("/echo")).status_code == 200


async def test_no_request_gets_to_where_verbs_do(changing: Changing, visitor: httpx.AsyncClient) -> None:
    for path in ("/prepare", "/take", "/which", "/control", "/.portico/take"):
        assert (await visitor.post(path)).status_code == 404
    (socket_of_it,) = changing.sockets.iterdir()
    assert socket_of_it.stat().st_mode & 0o077 == 0

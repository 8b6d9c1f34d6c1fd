"""The cases: RFC 9110, 9111, 9211, 9213, 9875, 5861 and 8246, as a shared cache has to keep them."""

from collections.abc import Iterator

from tests.contract.functions.gateway.stages.cache.script import CACHE, FUNCTION, Case, Fields, Step

FRESH = ("Cache-Control: max-age=60",)
TAGGED = (*FRESH, 'ETag: "a"')
OLD = ("Cache-Control: max-age=60", "Age: 100")
NOT_MODIFIED = 304


def kept(name: str, *says: str, status: int = 200, sends: Fields = (), **more: str) -> Case:
    """The second of two requests is answered by the cache."""
    return Case(name, (Step(says=says, status=status, sends=sends), Step(CACHE, sends=sends, code=status, **more)))  # type: ignore[arg-type]  # fields of a Step


def asked_again(name: str, *says: str, status: int = 200, sends: Fields = ()) -> Case:
    """The second of two requests is answered by the function."""
    step = Step(says=says, status=status, sends=sends)
    return Case(name, (step, step))


def freshness() -> Iterator[Case]:
    yield kept("rfc9111_4_2_1_max_age_makes_an_answer_fresh", *FRESH)
    yield asked_again("rfc9111_4_2_1_max_age_of_0_makes_it_stale", "Cache-Control: max-age=0")
    yield kept("rfc9111_4_2_1_expires_makes_it_fresh", "Expires: {now+60}", "Date: {now}")
    yield asked_again("rfc9111_4_2_1_expires_in_the_past_makes_it_stale", "Expires: {now-60}", "Date: {now}")
    yield asked_again("rfc9111_5_3_expires_that_is_no_date_makes_it_stale", "Expires: 0", "Date: {now}")
    yield kept("rfc9111_4_2_1_max_age_counts_before_expires", *FRESH, "Expires: {now-60}", "Date: {now}")
    yield asked_again("rfc9111_4_2_1_s_maxage_counts_before_max_age", "Cache-Control: max-age=60, s-maxage=0")
    yield kept("rfc9111_4_2_1_s_maxage_makes_it_fresh", "Cache-Control: max-age=0, s-maxage=60")
    yield kept("rfc9111_4_2_2_last_modified_lets_a_lifetime_be_guessed", "Last-Modified: {now-100000}", "Date: {now}")
    yield asked_again("rfc9111_4_2_2_nothing_is_guessed_from_nothing", "Date: {now}")
    yield asked_again("rfc9111_4_2_3_age_that_is_past_the_lifetime_makes_it_stale", *OLD)
    yield asked_again("rfc9111_4_2_3_date_that_is_past_the_lifetime_makes_it_stale", *FRESH, "Date: {now-100}")
    yield kept("rfc9111_5_1_age_that_is_no_number_is_ignored", *FRESH, "Age: soon")
    yield asked_again("rfc9111_5_1_of_several_ages_the_first_counts", *FRESH, "Age: 100", "Age: 0")
    yield kept("rfc9111_1_2_2_a_number_that_is_too_large_stands_for_very_long", "Cache-Control: max-age=99999999999")
    yield asked_again("rfc9111_4_2_1_a_number_that_is_none_makes_it_stale", "Cache-Control: max-age=soon")
    yield kept(
        "rfc9111_4_2_1_of_a_directive_that_is_there_twice_the_first_counts", "Cache-Control: max-age=60, max-age=0"
    )
    yield kept("rfc9111_5_2_a_directive_may_be_in_any_case_and_quoted", 'Cache-Control: MAX-age="60"')
    yield kept("rfc9111_5_2_3_an_unknown_directive_is_ignored", "Cache-Control: x, y=z, max-age=60")
    for name, date in (
        ("rfc850", "Sunday, 06-Nov-94 08:49:37 GMT"),
        ("asctime", "Sun Nov  6 08:49:37 1994"),
        ("imf_fixdate", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ):
        yield asked_again(f"rfc9110_5_6_7_a_date_of_{name}_is_understood", f"Expires: {date}", "Date: {now}")


def directives() -> Iterator[Case]:
    yield asked_again("rfc9111_5_2_2_5_no_store_is_not_stored", "Cache-Control: max-age=60, No-Store")
    yield asked_again("rfc9111_5_2_2_7_private_is_not_stored", "Cache-Control: max-age=60, private")
    named = Step(CACHE, hides=("X-Mine",), shows=("X-All: 1",))
    yield Case(
        "rfc9111_5_2_2_7_fields_that_private_names_are_not_stored",
        (
            Step(says=('Cache-Control: max-age=60, private="x-mine"', "X-Mine: 1", "X-All: 1"), shows=("X-Mine: 1",)),
            named,
        ),
    )
    yield asked_again("rfc9111_5_2_2_4_no_cache_is_not_served_without_asking", "Cache-Control: max-age=60, no-cache")
    yield Case(
        "rfc9111_5_2_2_4_no_cache_is_validated",
        (
            Step(says=("Cache-Control: no-cache", 'ETag: "a"')),
            Step(status=304, says=('ETag: "a"',), code=200, gets="abcdefghij", asked=('If-None-Match: "a"',)),
        ),
    )
    yield Case(
        "rfc9111_5_2_2_4_fields_that_no_cache_names_are_not_stored",
        (Step(says=('Cache-Control: max-age=60, no-cache="x-mine"', "X-Mine: 1", "X-All: 1")), named),
    )
    for directive in ("must-revalidate", "proxy-revalidate", "s-maxage=60"):
        section = {"m": "5_2_2_2", "p": "5_2_2_8", "s": "5_2_2_10"}[directive[0]]
        yield Case(
            f"rfc9111_{section}_{directive.partition('=')[0].replace('-', '_')}_is_never_served_stale",
            (
                Step(says=(f"Cache-Control: max-age=60, {directive}", "Age: 100", 'ETag: "a"')),
                Step(None, breaks=True, code=502),
            ),
        )
    yield kept(
        "rfc9111_5_2_2_3_must_understand_overrides_no_store", "Cache-Control: max-age=60, no-store, must-understand"
    )
    yield asked_again(
        "rfc9111_5_2_2_3_a_status_that_is_not_understood_is_not_stored",
        "Cache-Control: max-age=60, must-understand",
        status=299,
    )
    yield kept(
        "rfc9213_2_2_cdn_cache_control_counts_before_cache_control",
        "Cache-Control: no-store",
        "CDN-Cache-Control: max-age=60",
    )
    yield asked_again("rfc9213_2_2_cdn_cache_control_may_forbid_too", *FRESH, "CDN-Cache-Control: no-store")
    yield kept("rfc9213_2_1_a_field_that_can_not_be_read_is_ignored", *FRESH, "CDN-Cache-Control: no-store, &&&")
    yield kept("rfc9213_2_2_expires_means_nothing_beside_it", "CDN-Cache-Control: max-age=60", "Expires: {now-60}")


def requests() -> Iterator[Case]:
    def wants(section: str, says: tuple[str, ...], came: str, *sends: str, code: int = 200) -> Case:
        return Case(section, (Step(says=says), Step(came, says=says, sends=sends, code=code)))

    yield wants("rfc9111_5_2_1_4_no_cache_asks", FRESH, FUNCTION, "Cache-Control: no-cache")
    yield wants("rfc9111_5_4_pragma_asks_where_there_is_no_cache_control", FRESH, FUNCTION, "Pragma: no-cache")
    yield wants(
        "rfc9111_5_4_pragma_says_nothing_beside_cache_control", FRESH, CACHE, "Pragma: no-cache", "Cache-Control: x"
    )
    yield wants(
        "rfc9111_5_2_1_1_max_age_wants_a_younger_one", (*FRESH, "Age: 30"), FUNCTION, "Cache-Control: max-age=20"
    )
    yield wants("rfc9111_5_2_1_1_max_age_takes_a_young_one", (*FRESH, "Age: 10"), CACHE, "Cache-Control: max-age=40")
    yield wants(
        "rfc9111_5_2_1_3_min_fresh_wants_a_fresher_one", (*FRESH, "Age: 50"), FUNCTION, "Cache-Control: min-fresh=20"
    )
    yield wants(
        "rfc9111_5_2_1_3_min_fresh_takes_a_fresh_one", (*FRESH, "Age: 10"), CACHE, "Cache-Control: min-fresh=20"
    )
    stale = (*OLD, 'ETag: "a"')
    yield wants("rfc9111_5_2_1_2_max_stale_takes_a_stale_one", stale, CACHE, "Cache-Control: max-stale=60")
    yield wants("rfc9111_5_2_1_2_max_stale_takes_no_staler_one", stale, FUNCTION, "Cache-Control: max-stale=20")
    yield wants("rfc9111_5_2_1_2_max_stale_without_a_number_takes_any", stale, CACHE, "Cache-Control: max-stale")
    yield wants(
        "rfc9111_5_2_1_7_only_if_cached_is_answered_with_what_is", FRESH, CACHE, "Cache-Control: only-if-cached"
    )
    yield wants(
        "rfc9111_5_2_1_7_only_if_cached_is_504_otherwise",
        ("Cache-Control: no-store",),
        CACHE,
        "Cache-Control: only-if-cached",
        code=504,
    )
    yield Case(
        "rfc9111_5_2_1_5_what_answers_no_store_is_not_stored",
        (Step(says=FRESH, sends=("Cache-Control: no-store",)), Step(says=FRESH)),
    )
    yield Case(
        "rfc9110_9_3_2_head_is_answered_from_what_a_get_brought",
        (Step(says=FRESH), Step(CACHE, method="HEAD", gets="")),
    )
    yield Case("rfc9111_3_an_answer_to_post_is_not_stored", (Step(method="POST", says=FRESH), Step(says=FRESH)))
    yield Case(
        "rfc9111_2_another_query_is_another_target", (Step(says=FRESH, target="?a=1"), Step(says=FRESH, target="?a=2"))
    )


def authorization() -> Iterator[Case]:
    token = ("Authorization: Basic YTpi",)
    yield asked_again("rfc9111_3_5_an_answer_to_authorization_is_not_shared", *FRESH, sends=token)
    for directive in ("public", "must-revalidate", "s-maxage=60"):
        name = directive.partition("=")[0].replace("-", "_")
        yield kept(f"rfc9111_3_5_{name}_lets_it_be_shared", f"Cache-Control: max-age=60, {directive}", sends=token)
    yield Case("rfc9111_3_5_who_has_a_token_gets_what_was_stored_for_all", (Step(says=FRESH), Step(CACHE, sends=token)))
    yield asked_again("rfc9111_7_3_a_cookie_is_not_shared_by_a_guess", "Set-Cookie: a=b", "Last-Modified: {now-100000}")


def vary() -> Iterator[Case]:
    def twice(name: str, came: str, says: str, first: Fields, second: Fields) -> Case:
        return Case(name, (Step(says=(*FRESH, says), sends=first), Step(came, says=(*FRESH, says), sends=second)))

    yield twice("rfc9111_4_1_vary_that_matches_selects", CACHE, "Vary: Foo", ("Foo: 1",), ("Foo: 1",))
    yield twice("rfc9111_4_1_vary_that_does_not_match_does_not", FUNCTION, "Vary: Foo", ("Foo: 1",), ("Foo: 2",))
    yield twice(
        "rfc9111_4_1_a_field_that_is_missing_matches_only_where_it_is_missing", FUNCTION, "Vary: Foo", (), ("Foo: 1",)
    )
    yield twice("rfc9111_4_1_star_never_matches", FUNCTION, "Vary: *", (), ())
    yield twice("rfc9111_4_1_star_among_others_never_matches", FUNCTION, "Vary: Foo, *", ("Foo: 1",), ("Foo: 1",))
    yield twice("rfc9111_4_1_names_are_taken_in_any_case", FUNCTION, "Vary: fOO", ("Foo: 1",), ("Foo: 2",))
    yield twice("rfc9111_4_1_white_space_makes_no_difference", CACHE, "Vary: Foo", ("Foo: 1,2",), ("Foo: 1, 2",))
    yield twice(
        "rfc9111_4_1_preferences_may_come_in_any_order_and_case",
        CACHE,
        "Vary: Accept-Language",
        ("Accept-Language: en, de;q=0.5",),
        ("Accept-Language: DE; q=0.5, EN",),
    )
    says = (*FRESH, "Vary: Foo")
    yield Case(
        "rfc9111_4_1_several_variants_are_held",
        (
            Step(says=says, sends=("Foo: 1",), body="one"),
            Step(says=says, sends=("Foo: 2",), body="two"),
            Step(CACHE, sends=("Foo: 1",), gets="one"),
            Step(CACHE, sends=("Foo: 2",), gets="two"),
        ),
    )


def validation() -> Iterator[Case]:
    def validated(name: str, says: Fields, asked: Fields, says304: Fields, shows: Fields = ()) -> Case:
        second = Step(status=304, says=says304, code=200, gets="abcdefghij", asked=asked, shows=shows)
        return Case(name, (Step(says=(*OLD, *says)), second))

    yield validated(
        "rfc9111_4_3_1_what_is_stale_is_asked_about_by_its_etag", ('ETag: "a"',), ('If-None-Match: "a"',), ()
    )
    date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"
    since = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"
    yield validated("rfc9111_4_3_1_what_is_stale_is_asked_about_by_its_date", (date,), (since,), ())
    yield validated(
        "rfc9111_3_2_a_304_updates_fields", ('ETag: "a"', "X: 1"), (), ('ETag: "a"', "X: 2"), shows=("X: 2",)
    )
    yield validated(
        "rfc9111_3_2_what_a_304_leaves_out_stays", ('ETag: "a"', "X: 1"), (), ('ETag: "a"',), shows=("X: 1",)
    )
    yield Case(
        "rfc9111_4_3_4_a_304_makes_it_fresh_again",
        (Step(says=(*OLD, 'ETag: "a"')), Step(status=304, says=TAGGED, code=200), Step(CACHE, gets="abcdefghij")),
    )
    yield Case(
        "rfc9111_4_3_3_another_answer_takes_its_place",
        (
            Step(says=(*OLD, 'ETag: "a"')),
            Step(says=(*FRESH, 'ETag: "b"'), body="new", gets="new"),
            Step(CACHE, gets="new"),
        ),
    )
    yield Case(
        "rfc9111_4_3_5_a_head_that_shows_another_length_ends_what_is_stored",
        (Step(says=(*OLD, 'ETag: "a"')), Step(method="HEAD", says=(*FRESH, 'ETag: "b"'), gets=""), Step(says=TAGGED)),
    )


def conditions() -> Iterator[Case]:
    def conditional(name: str, says: Fields, sends: str, code: int) -> Case:
        return Case(name, (Step(says=says), Step(CACHE, sends=(sends,), code=code)))

    yield conditional("rfc9110_13_1_2_an_etag_that_matches_is_304", TAGGED, 'If-None-Match: "a"', 304)
    yield conditional("rfc9110_13_1_2_one_that_does_not_match_is_200", TAGGED, 'If-None-Match: "b"', 200)
    yield conditional("rfc9110_13_1_2_one_of_a_list_matches", TAGGED, 'If-None-Match: "x", "a"', 304)
    yield conditional("rfc9110_8_8_3_2_weak_comparison_is_used", TAGGED, 'If-None-Match: W/"a"', 304)
    yield conditional("rfc9110_13_1_2_star_matches_whatever_is_held", TAGGED, "If-None-Match: *", 304)
    dated = (*FRESH, "Last-Modified: {now-100}")
    yield conditional("rfc9110_13_1_3_a_date_that_is_not_earlier_is_304", dated, "If-Modified-Since: {now-50}", 304)
    yield conditional("rfc9110_13_1_3_an_earlier_date_is_200", dated, "If-Modified-Since: {now-200}", 200)
    yield conditional("rfc9110_14_2_a_range_is_cut_out_of_what_is_held", FRESH, "Range: bytes=2-4", 206)
    yield Case(
        "rfc9110_14_2_a_range_has_its_bytes",
        (Step(says=FRESH), Step(CACHE, sends=("Range: bytes=-3",), code=206, gets="hij")),
    )
    yield conditional("rfc9110_15_5_17_a_range_beyond_the_end_is_416", FRESH, "Range: bytes=20-", 416)
    yield conditional("rfc9110_14_2_a_unit_that_is_unknown_is_ignored", FRESH, "Range: lines=1-2", 200)
    both = Step(CACHE, sends=("Range: bytes=0-1", 'If-Range: "b"'), gets="abcdefghij")
    yield Case("rfc9110_13_1_5_if_range_that_does_not_match_gets_the_whole", (Step(says=TAGGED), both))
    part = Step(status=206, says=(*FRESH, "Content-Range: bytes 0-4/10"), body="abcde", sends=("Range: bytes=0-4",))
    yield Case(
        "rfc9111_3_3_a_part_is_held_and_smaller_ones_cut_out",
        (part, Step(CACHE, sends=("Range: bytes=1-2",), code=206, gets="bc")),
    )
    yield Case("rfc9111_3_3_a_part_is_not_the_whole", (part, Step(says=FRESH, gets="abcdefghij")))


def stored_fields() -> Iterator[Case]:
    says = (*FRESH, "Connection: x-hop", "X-Hop: 1", "Proxy-Authenticate: Basic", "X-End: 1")
    yield Case(
        "rfc9111_3_1_fields_of_one_hop_are_not_stored",
        (Step(says=says), Step(CACHE, hides=("X-Hop", "Proxy-Authenticate"), shows=("X-End: 1",))),
    )
    yield Case(
        "rfc9111_5_1_age_is_sent_with_what_is_stored", (Step(says=(*FRESH, "Age: 30")), Step(CACHE, shows=("Age",)))
    )
    yield Case(
        "rfc9110_6_6_1_date_is_as_it_was",
        (
            Step(says=(*FRESH, "Date: Sun, 06 Nov 2094 08:49:37 GMT")),
            Step(CACHE, shows=("Date: Sun, 06 Nov 2094 08:49:37 GMT",)),
        ),
    )
    yield Case(
        "rfc9211_2_1_a_hit_says_so", (Step(says=FRESH, shows=("Cache-Status",)), Step(CACHE, shows=("Cache-Status",)))
    )
    for status in (203, 204, 301, 308, 404, 410):
        yield kept(
            f"rfc9110_15_1_{status}_is_cacheable_by_a_guess",
            "Last-Modified: {now-100000}",
            "Date: {now}",
            status=status,
        )
    for status in (302, 403, 500):
        yield asked_again(f"rfc9110_15_1_{status}_is_not", "Last-Modified: {now-100000}", "Date: {now}", status=status)
        yield kept(f"rfc9111_3_{status}_is_cacheable_where_it_says_so", *FRESH, status=status)


def staleness() -> Iterator[Case]:
    error = Step(status=503, code=200, gets="abcdefghij")
    yield Case(
        "rfc5861_4_stale_if_error_stands_in_for_an_error",
        (Step(says=("Cache-Control: max-age=60, stale-if-error=100", "Age: 100")), error),
    )
    yield Case(
        "rfc5861_4_not_for_longer_than_it_says",
        (Step(says=("Cache-Control: max-age=60, stale-if-error=10", "Age: 100")), Step(status=503)),
    )
    yield Case(
        "rfc5861_4_a_client_may_ask_for_it",
        (Step(says=(*OLD, 'ETag: "a"')), Step(status=503, code=200, sends=("Cache-Control: stale-if-error=100",))),
    )
    yield Case(
        "rfc9111_4_2_4_what_is_stale_stands_in_where_nobody_answers",
        (Step(says=(*OLD, 'ETag: "a"')), Step(None, breaks=True, code=200, gets="abcdefghij")),
    )
    yield Case(
        "rfc5861_3_stale_while_revalidate_is_served_meanwhile",
        (
            Step(says=("Cache-Control: max-age=60, stale-while-revalidate=100", "Age: 100"), body="old"),
            Step(None, says=FRESH, body="new", gets="old"),
        ),
    )
    yield asked_again(
        "rfc5861_3_not_for_longer_than_it_says", "Cache-Control: max-age=60, stale-while-revalidate=10", "Age: 100"
    )
    yield Case(
        "rfc8246_2_what_is_immutable_is_not_asked_about_by_a_reload",
        (
            Step(says=("Cache-Control: max-age=60, immutable", "Age: 30")),
            Step(CACHE, sends=("Cache-Control: max-age=0",)),
        ),
    )


def invalidation() -> Iterator[Case]:
    for method in ("POST", "PUT", "DELETE"):
        yield Case(
            f"rfc9111_4_4_{method.lower()}_ends_what_is_stored_of_its_target",
            (Step(says=FRESH), Step(method=method), Step(says=FRESH)),
        )
        yield Case(
            f"rfc9111_4_4_{method.lower()}_that_failed_does_not",
            (Step(says=FRESH), Step(method=method, status=500), Step(CACHE)),
        )
    for name in ("Location", "Content-Location"):
        said = f"{name}: {{target}}/other"
        yield Case(
            f"rfc9111_4_4_{name.lower().replace('-', '_')}_is_ended_too",
            (Step(says=FRESH, target="/other"), Step(method="POST", says=(said,)), Step(says=FRESH, target="/other")),
        )
    elsewhere = "Location: http://elsewhere.test{target}/other"
    yield Case(
        "rfc9111_4_4_not_of_another_origin",
        (Step(says=FRESH, target="/other"), Step(method="POST", says=(elsewhere,)), Step(CACHE, target="/other")),
    )
    grouped = (*FRESH, 'Cache-Groups: "{target}", "b"')
    yield Case(
        "rfc9875_3_a_group_is_ended_with_all_that_is_in_it",
        (
            Step(says=grouped),
            Step(says=grouped, target="/other"),
            Step(method="POST", target="/third", says=('Cache-Group-Invalidation: "{target}"',)),
            Step(says=grouped),
            Step(says=grouped, target="/other"),
        ),
    )
    yield Case(
        "rfc9875_3_what_is_in_another_group_stays",
        (
            Step(says=grouped),
            Step(method="POST", target="/third", says=('Cache-Group-Invalidation: "{target}x"',)),
            Step(CACHE),
        ),
    )
    yield Case(
        "rfc9875_3_an_answer_to_get_invalidates_nothing",
        (Step(says=grouped), Step(target="/third", says=('Cache-Group-Invalidation: "{target}"',)), Step(CACHE)),
    )


def left_out() -> Iterator[Case]:
    """What a cache may do, and this one does not; WHY says why."""
    says = (*FRESH, "Content-Location: {target}")
    yield Case("rfc9110_9_3_3_an_answer_to_post_may_be_reused_for_get", (Step(method="POST", says=says), Step(CACHE)))
    part = Step(
        status=206,
        says=(*TAGGED, "Content-Range: bytes 0-4/10"),
        body="abcde",
        sends=("Range: bytes=0-4",),
    )
    whole = Step(asked=("Range: bytes=5-",), says=TAGGED)
    yield Case("rfc9111_3_3_a_part_may_be_completed_by_asking_for_the_rest", (part, whole))


WHY = {
    "rfc9110_9_3_3_an_answer_to_post_may_be_reused_for_get": "need not be: what a change answers is its caller's",
    "rfc9111_3_3_a_part_may_be_completed_by_asking_for_the_rest": "need not be: the whole is asked for instead",
}

CASES = [
    case
    for family in (
        freshness,
        directives,
        requests,
        authorization,
        vary,
        validation,
        conditions,
        stored_fields,
        staleness,
        invalidation,
        left_out,
    )
    for case in family()
]
